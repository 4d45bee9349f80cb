#include "store/database.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

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
  std::ofstream(folder.path() + "/pepper") << std::string(31, 'x');
  EXPECT_EQ(Database::open(folder.path(), kCreate).error().code, Code::kCorrupt);
  std::ofstream(folder.path() + "/pepper") << std::string(32, 'x');
  EXPECT_EQ(Database::open(folder.path(), kCreate).error().code, Code::kCorrupt);
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
