#include "store/database.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <functional>

#include "store/backup.h"
#include "store/failing_disk_for_test.h"
#include "store/folder_for_test.h"
#include "store/keys.h"
#include "store/schema.h"
#include "store/usage.h"

namespace aquilon::store {
namespace {

constexpr auto kCreate = Database::Open::kCreate;
constexpr auto kExisting = Database::Open::kExisting;

UsageRecord row(const std::string& id) {
  return {
      .id = id, .key_id = 1, .key = "ann", .model = "m", .prompt_tokens = 3, .ended = "finished"};
}

Status insert(Database& database, const std::string& id) {
  return database.write([&](Connection& c) { return insert_usage(c, {row(id)}); });
}

std::int64_t count(Database& database) {
  return database.connection().integer("SELECT count(*) FROM usage").value().value_or(-1);
}

TEST(DatabaseTest, IsMadeForItsOwnerAlone) {
  const FolderForTest folder;
  const std::string data = folder.path() + "/data";
  EXPECT_EQ(Database::open(data, kExisting).error().code, Code::kNotFound);
  ASSERT_TRUE(Database::open(data, kCreate).ok());
  struct stat found {};
  for (const char* file : {"", "/aquilon.db", "/pepper"}) {
    ASSERT_EQ(stat((data + file).c_str(), &found), 0) << file;
    EXPECT_EQ(found.st_mode & 077, 0u) << file;
  }
}

TEST(DatabaseTest, SeveralAreOpenAtOnce) {
  const FolderForTest folder;
  Database one = Database::open(folder.path(), kCreate).value();
  Database two = Database::open(folder.path(), kCreate).value();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(insert(one, fmt::format("a{}", i)).ok());
    ASSERT_TRUE(insert(two, fmt::format("b{}", i)).ok());
  }
  EXPECT_EQ(count(one), 40);
  EXPECT_EQ(count(two), 40);
}

TEST(DatabaseTest, OlderTablesAreBroughtForwardAndKept) {
  const FolderForTest folder;
  {
    const Database made = Database::open(folder.path(), kCreate).value();
    std::filesystem::remove(folder.path() + "/aquilon.db");
    std::filesystem::remove(folder.path() + "/aquilon.db-wal");
    std::filesystem::remove(folder.path() + "/aquilon.db-shm");
  }
  {
    Connection old =
        Connection::open(folder.path() + "/aquilon.db", Connection::Mode::kCreate).value();
    ASSERT_TRUE(migrate(old, 1).ok());
    ASSERT_TRUE(
        old.run("INSERT INTO keys VALUES (7, 'ann', 'aq-', 'hash', 'inference', '', 1, 2, 3,"
                " 4, 5, 6, 0)")
            .ok());
  }
  Database database = Database::open(folder.path(), kExisting).value();
  EXPECT_EQ(schema_version(database.connection()).value(), newest_schema());
  const auto keys = list_keys(database.connection()).value();
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys[0].name, "ann");
  EXPECT_EQ(count(database), 0);
  EXPECT_TRUE(
      std::filesystem::exists(fmt::format("{}/before-{}.db", folder.path(), newest_schema())));
}

TEST(DatabaseTest, TablesOfANewerProgramAreRefused) {
  const FolderForTest folder;
  {
    Database database = Database::open(folder.path(), kCreate).value();
    ASSERT_TRUE(database.connection().run("PRAGMA user_version=99").ok());
  }
  const auto opened = Database::open(folder.path(), kExisting);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Code::kUnsupported);
  EXPECT_NE(opened.error().message.find("newer aquilon"), std::string::npos);
}

TEST(DatabaseTest, AnotherPepperIsNoticed) {
  const FolderForTest folder;
  { ASSERT_TRUE(Database::open(folder.path(), kCreate).ok()); }
  std::filesystem::remove(folder.path() + "/pepper");
  EXPECT_EQ(Database::open(folder.path(), kCreate).error().code, Code::kNotFound);
  for (const std::string& other : {std::string(31, 'x'), std::string(31, 'x') + 'y',
                                   std::string(32, 'x'), std::string(32, '\0')}) {
    std::ofstream(folder.path() + "/pepper") << other;
    std::filesystem::permissions(folder.path() + "/pepper", std::filesystem::perms(0600));
    EXPECT_EQ(Database::open(folder.path(), kCreate).error().code, Code::kCorrupt);
  }
}

// What is left of a folder, and what opening it says: only where nothing of keys is left it begins
// anew.
TEST(DatabaseTest, ALossIsNeverTakenForAFreshFolder) {
  const auto empty = [](const std::string& path) { std::ofstream(path).close(); };
  const auto remove = [](const std::string& path) { std::filesystem::remove(path); };
  const std::string db = "/aquilon.db";
  struct Case {
    const char* name;
    std::function<void(const std::string&)> lose;
    Code code;  // kInternal: it opens
  };
  const std::vector<Case> cases = {
      {"nothing", [](const std::string&) {}, Code::kInternal},
      {"emptied", [&](const std::string& d) { empty(d + db); }, Code::kCorrupt},
      {"removed", [&](const std::string& d) { remove(d + db); }, Code::kCorrupt},
      {"removed whole",
       [&](const std::string& d) {
         for (const char* end : {"", "-wal", "-shm"}) remove(d + db + end);
       },
       Code::kCorrupt},
      {"pepper", [&](const std::string& d) { remove(d + "/pepper"); }, Code::kNotFound},
      {"both",
       [&](const std::string& d) {
         for (const char* name : {"/aquilon.db", "/aquilon.db-wal", "/aquilon.db-shm", "/pepper"})
           remove(d + name);
       },
       Code::kInternal},
      {"pepper of an unfinished start",
       [&](const std::string& d) {
         Connection c = Connection::open(d + db, Connection::Mode::kExisting).value();
         EXPECT_TRUE(c.run("DELETE FROM meta; DELETE FROM keys").ok());
         remove(d + "/pepper");
       },
       Code::kInternal},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    const FolderForTest folder;
    {
      Database database = Database::open(folder.path(), kCreate).value();
      ASSERT_TRUE(create_key(database, {.name = "ann"}).ok());
    }
    one.lose(folder.path());
    for (int i = 0; i < 2; ++i) {  // nor the second time
      const auto opened = Database::open(folder.path(), kCreate);
      EXPECT_EQ(opened.ok() ? Code::kInternal : opened.error().code, one.code)
          << (opened.ok() ? "" : opened.error().message);
    }
    EXPECT_EQ(Database::open(folder.path(), kExisting).ok(), one.code == Code::kInternal);
  }
}

TEST(DatabaseTest, KeysThatAreGoneAreALoss) {
  const FolderForTest folder;
  Database database = Database::open(folder.path(), kCreate).value();
  EXPECT_TRUE(list_keys(database.connection()).value().empty());
  ASSERT_TRUE(create_key(database, {.name = "ann"}).ok());
  ASSERT_TRUE(database.connection().run("DELETE FROM keys").ok());
  EXPECT_EQ(list_keys(database.connection()).error().code, Code::kCorrupt);
  EXPECT_EQ(check(folder.path()).error().code, Code::kCorrupt);
}

TEST(DatabaseTest, WhatOthersMayChangeOrReadIsRefused) {
  struct Case {
    const char* file;
    int mode;
    bool good;
  };
  for (const Case& one :
       {Case{"", 0777, false}, Case{"", 0703, false}, Case{"", 0755, true}, Case{"", 0770, true},
        Case{"/pepper", 0604, false}, Case{"/pepper", 0666, false}, Case{"/pepper", 0640, true},
        Case{"/aquilon.db", 0602, false}, Case{"/aquilon.db", 0644, true}}) {
    SCOPED_TRACE(fmt::format("{} {:o}", one.file, one.mode));
    const FolderForTest folder;
    { ASSERT_TRUE(Database::open(folder.path(), kCreate).ok()); }
    ASSERT_EQ(chmod((folder.path() + one.file).c_str(), static_cast<mode_t>(one.mode)), 0);
    const auto opened = Database::open(folder.path(), kExisting);
    EXPECT_EQ(opened.ok(), one.good);
    if (opened.ok()) continue;
    EXPECT_EQ(opened.error().code, Code::kPermissionDenied);
    EXPECT_NE(opened.error().message.find("chmod"), std::string::npos);
  }
}

// Rows that went to removed files would be lost though their client was told that they are there.
TEST(DatabaseTest, FilesThatAreRemovedWhileTheyAreUsedAreNoticed) {
  for (const char* file : {"/aquilon.db", "/aquilon.db-wal"}) {
    SCOPED_TRACE(file);
    const FolderForTest folder;
    Database database = Database::open(folder.path(), kCreate).value();
    ASSERT_TRUE(insert(database, "before").ok());
    std::filesystem::remove(folder.path() + file);
    EXPECT_EQ(database.still_there().error().code, Code::kUnavailable);
    EXPECT_EQ(insert(database, "after").error().code, Code::kUnavailable);
    std::ofstream(folder.path() + file) << "another";
    EXPECT_EQ(insert(database, "after").error().code, Code::kUnavailable);
  }
}

TEST(DatabaseTest, CheckNamesTablesAndScopesThatAreWrong) {
  struct Case {
    const char* sql;
    const char* said;
  };
  for (const Case& one :
       {Case{"DROP TABLE usage", "usage"}, Case{"DROP TABLE keys", "keys"},
        Case{"DROP TABLE counters", "counters"}, Case{"DROP TABLE day_use", "day_use"},
        Case{"UPDATE keys SET scopes = 'inferense'", "the scope 'inferense'"}}) {
    SCOPED_TRACE(one.sql);
    const FolderForTest folder;
    {
      Database database = Database::open(folder.path(), kCreate).value();
      ASSERT_TRUE(create_key(database, {.name = "ann", .scopes = {"inference"}}).ok());
      ASSERT_TRUE(check(folder.path(), {"inference"}).ok());
      ASSERT_TRUE(database.connection().run(one.sql).ok());
    }
    const auto checked = check(folder.path(), {"inference"});
    ASSERT_FALSE(checked.ok());
    EXPECT_EQ(checked.error().code, Code::kCorrupt) << checked.error().message;
    EXPECT_NE(checked.error().message.find(one.said), std::string::npos) << checked.error().message;
  }
}

TEST(DatabaseTest, WhatIsNoDatabaseIsSaidToBeDamaged) {
  const FolderForTest folder;
  { ASSERT_TRUE(Database::open(folder.path(), kCreate).ok()); }
  std::filesystem::remove(folder.path() + "/aquilon.db-wal");
  std::ofstream(folder.path() + "/aquilon.db") << std::string(8192, 'x');
  EXPECT_EQ(Database::open(folder.path(), kExisting).error().code, Code::kCorrupt);
  EXPECT_EQ(check(folder.path()).error().code, Code::kCorrupt);
}

// Every write of a transaction fails once, for every reason: nothing of it is there, and the same
// connection goes on when the disk does.
TEST(DatabaseTest, ADiskThatFailsAtAnyWriteLosesNothingThatWasWritten) {
  FailingDisk::install();
  for (const int code : {SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC}) {
    const FolderForTest folder;
    Database database = Database::open(folder.path(), kCreate, FailingDisk::kName).value();
    std::int64_t rows = 0;
    bool any_failed = true;
    for (int nth = 1; any_failed; ++nth) {
      FailingDisk::fail_from(nth, code);
      const Status status = insert(database, fmt::format("{}-failing", nth));
      any_failed = FailingDisk::works() > 0;
      ASSERT_EQ(status.ok(), !any_failed) << nth;
      if (any_failed) {
        EXPECT_EQ(status.error().code, Code::kUnavailable);
      }
      if (status.ok()) ++rows;
      ASSERT_TRUE(insert(database, fmt::format("{}-working", nth)).ok()) << nth;
      ASSERT_EQ(count(database), ++rows) << nth;
      ASSERT_LT(nth, 1000);
    }
    EXPECT_EQ(check(folder.path()).value().rows, rows);
  }
}

// The same of checkpoints, which write what earlier transactions left in the log.
TEST(DatabaseTest, ADiskThatFailsAtACheckpointLosesNothing) {
  FailingDisk::install();
  const FolderForTest folder;
  Database database = Database::open(folder.path(), kCreate, FailingDisk::kName).value();
  ASSERT_TRUE(database.connection().run("PRAGMA wal_autocheckpoint=4").ok());
  std::int64_t rows = 0;
  for (int nth = 1; nth < 40; ++nth) {
    FailingDisk::fail_from(nth, SQLITE_FULL);
    if (insert(database, fmt::format("{}-failing", nth)).ok()) ++rows;
    FailingDisk::works();
    ASSERT_TRUE(insert(database, fmt::format("{}-working", nth)).ok()) << nth;
    ++rows;
  }
  EXPECT_EQ(count(database), rows);
  EXPECT_EQ(check(folder.path()).value().rows, rows);
}

TEST(DatabaseTest, ADatabaseThatIsFullSaysSo) {
  const FolderForTest folder;
  Database database = Database::open(folder.path(), kCreate).value();
  ASSERT_TRUE(database.connection().run("PRAGMA max_page_count=30").ok());
  Status status;
  int written = 0;
  while ((status = insert(database, fmt::format("{:0>2000}", written))).ok() && written < 1000)
    ++written;
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("disk is full"), std::string::npos);
  EXPECT_EQ(count(database), written);
  ASSERT_TRUE(database.connection().run("PRAGMA max_page_count=1000").ok());
  EXPECT_TRUE(insert(database, "more").ok());
}

TEST(DatabaseTest, BackupsAreWholeWhileTheDatabaseIsWritten) {
  const FolderForTest folder;
  const std::string data = folder.path() + "/data";
  Database database = Database::open(data, kCreate).value();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(insert(database, fmt::format("{}", i)).ok());
  ASSERT_TRUE(back_up(data, folder.path() + "/copy").ok());
  EXPECT_EQ(back_up(data, folder.path() + "/copy").error().code, Code::kInvalidArgument);
  ASSERT_TRUE(insert(database, "later").ok());

  // Put back, with the pepper.
  const std::string back = folder.path() + "/back";
  std::filesystem::create_directory(back);
  std::filesystem::copy(folder.path() + "/copy", back + "/aquilon.db");
  std::filesystem::copy(data + "/pepper", back + "/pepper");
  Database restored = Database::open(back, kExisting).value();
  EXPECT_EQ(count(restored), 50);
  EXPECT_TRUE(insert(restored, "goes on").ok());
  EXPECT_EQ(check(back).value().rows, 51);
}

TEST(DatabaseTest, ABackupThatCannotBeWrittenLeavesNothing) {
  const FolderForTest folder;
  const std::string data = folder.path() + "/data";
  ASSERT_TRUE(Database::open(data, kCreate).ok());
  EXPECT_FALSE(back_up(data, folder.path() + "/nowhere/copy").ok());
  EXPECT_FALSE(back_up(folder.path() + "/else", folder.path() + "/copy").ok());
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/copy"));
}

}  // namespace
}  // namespace aquilon::store
