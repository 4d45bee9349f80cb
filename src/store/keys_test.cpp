#include "store/keys.h"

#include <gtest/gtest.h>

#include <set>

#include "base/file.h"
#include "store/folder_for_test.h"
#include "store/key_hash.h"

namespace aquilon::store {
namespace {

Database open(const FolderForTest& folder) {
  return Database::open(folder.path(), Database::Open::kCreate).value();
}

TEST(KeysTest, KeysAreRandomAndKnownByTheirHashAlone) {
  const FolderForTest folder;
  Database database = open(folder);
  std::set<std::string> texts;
  for (int i = 0; i < 20; ++i) {
    const std::string text = create_key(database, {.name = fmt::format("key-{}", i)}).value();
    EXPECT_EQ(text.size(), 55u);
    EXPECT_TRUE(text.starts_with("aq-"));
    texts.insert(text);
  }
  EXPECT_EQ(texts.size(), 20u);
  ASSERT_TRUE(database.connection().run("PRAGMA wal_checkpoint(TRUNCATE)").ok());
  const std::string file = read_file(folder.path() + "/aquilon.db").value();
  for (const std::string& text : texts) {
    EXPECT_EQ(file.find(text), file.npos);
    EXPECT_NE(file.find(key_prefix(text)), file.npos);
    EXPECT_NE(file.find(key_hash(database.pepper(), text)), file.npos);
  }
}

// RFC 4231, test case 2.
TEST(KeysTest, HashesAreHmacSha256) {
  EXPECT_EQ(key_hash("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(KeysTest, KeepsWhatAKeyMayDo) {
  const FolderForTest folder;
  Database database = open(folder);
  KeyRecord key{.name = "Ånn", .scopes = {"inference", "admin"}, .models = {"org/a", "b"}};
  key.limits = {1, 2, 3, 4};
  key.created_ms = 5;
  key.expires_ms = 6;
  const std::string text = create_key(database, key).value();
  const KeyRecord kept = list_keys(database.connection()).value().at(0);
  EXPECT_EQ(kept.name, key.name);
  EXPECT_EQ(kept.hash, key_hash(database.pepper(), text));
  EXPECT_EQ(kept.scopes, key.scopes);
  EXPECT_EQ(kept.models, key.models);
  EXPECT_EQ(kept.limits.requests_per_minute, 1);
  EXPECT_EQ(kept.limits.tokens_per_minute, 2);
  EXPECT_EQ(kept.limits.requests_per_day, 3);
  EXPECT_EQ(kept.limits.tokens_per_day, 4);
  EXPECT_EQ(kept.created_ms, 5);
  EXPECT_EQ(kept.expires_ms, 6);
  EXPECT_EQ(kept.revoked_ms, 0);
}

TEST(KeysTest, ChangesWhatIsGivenAndNothingElse) {
  const FolderForTest folder;
  Database database = open(folder);
  KeyRecord key{.name = "ann", .scopes = {"inference"}, .models = {"a"}};
  key.limits = {1, 2, 3, 4};
  ASSERT_TRUE(create_key(database, key).ok());
  ASSERT_TRUE(change_key(database, "ann", {.tokens_per_minute = 0}).ok());
  ASSERT_TRUE(change_key(database, "1", {.models = std::vector<std::string>()}).ok());
  const KeyRecord kept = list_keys(database.connection()).value().at(0);
  EXPECT_EQ(kept.limits.requests_per_minute, 1);
  EXPECT_EQ(kept.limits.tokens_per_minute, 0);
  EXPECT_EQ(kept.scopes, key.scopes);
  EXPECT_TRUE(kept.models.empty());
  EXPECT_EQ(change_key(database, "bob", {}).error().code, Code::kNotFound);
}

TEST(KeysTest, ANameIsFreeAgainOnceItsKeyIsRevoked) {
  const FolderForTest folder;
  Database database = open(folder);
  const std::int64_t version = keys_version(database.connection()).value();
  ASSERT_TRUE(create_key(database, {.name = "ann"}).ok());
  EXPECT_EQ(create_key(database, {.name = "ann"}).error().code, Code::kInvalidArgument);
  ASSERT_TRUE(revoke_key(database, "ann", 9).ok());
  EXPECT_EQ(revoke_key(database, "ann", 9).error().code, Code::kNotFound);
  EXPECT_TRUE(create_key(database, {.name = "ann"}).ok());
  EXPECT_EQ(keys_version(database.connection()).value(), version + 3);
}

TEST(KeysTest, NamesAreTextThatIsNoNumber) {
  const FolderForTest folder;
  Database database = open(folder);
  for (const std::string& name :
       {std::string(), std::string("17"), std::string("a\nb"), std::string("a\0b", 3),
        std::string("\xff"), std::string(129, 'a'), std::string(" "), std::string("\u00a0\u3000"),
        std::string("\u200b"), std::string("a\u009bb"), std::string("a\u202eb"),
        std::string("a\u2066b\u2069"), std::string("\u200fa"), std::string("a\u2028b")})
    EXPECT_EQ(create_key(database, {.name = name}).error().code, Code::kInvalidArgument) << name;
  EXPECT_FALSE(create_key(database, {.name = "a", .models = {"b\nc"}}).ok());
  EXPECT_FALSE(create_key(database, {.name = "a", .models = {" "}}).ok());
  EXPECT_TRUE(create_key(database, {.name = "An\u00e9 \u00fc"}).ok());
  // Bound, not written into SQL.
  EXPECT_TRUE(create_key(database, {.name = "'; DROP TABLE keys; --"}).ok());
  EXPECT_EQ(list_keys(database.connection()).value().size(), 2u);
}

}  // namespace
}  // namespace aquilon::store
