#include "store/writer.h"

#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <map>
#include <mutex>

#include "store/backup.h"
#include "store/failing_disk_for_test.h"
#include "store/folder_for_test.h"

namespace aquilon::store {
namespace {

using namespace std::chrono_literals;

UsageRecord row(const std::string& id) {
  return {.id = id,
          .key = "ann",
          .model = "m",
          .prompt_tokens = 3,
          .completion_tokens = 4,
          .ended = "finished"};
}

std::vector<UsageRecord> rows_of(const std::string& folder) {
  Database database = Database::open(folder, Database::Open::kExisting).value();
  std::vector<UsageRecord> rows;
  EXPECT_TRUE(read_usage(database.connection(), {}, [&](const UsageRecord& r) {
                rows.push_back(r);
                return true;
              }).ok());
  return rows;
}

std::unique_ptr<Writer> start(const FolderForTest& folder, Writer::Listener listener = {},
                              const char* vfs = nullptr) {
  return Writer::start(Database::open(folder.path(), Database::Open::kCreate, vfs).value(),
                       std::move(listener))
      .value();
}

Status record(Writer& writer, const UsageRecord& row) {
  std::promise<Status> written;
  writer.record(row, [&written](const Status& status) { written.set_value(status); });
  return written.get_future().get();
}

TEST(WriterTest, RowsAreThereWhenTheyAreSaidToBe) {
  const FolderForTest folder;
  const auto writer = start(folder);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(record(*writer, row(fmt::format("{}", i))).ok());
    EXPECT_EQ(rows_of(folder.path()).size(), static_cast<std::size_t>(i + 1));
  }
  EXPECT_EQ(rows_of(folder.path())[2].completion_tokens, 4);
}

TEST(WriterTest, ManyThreadsWriteInGroups) {
  const FolderForTest folder;
  const auto writer = start(folder);
  constexpr int kThreads = 8;
  constexpr int kRows = 50;
  std::latch done(kThreads * kRows);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRows; ++i)
        writer->record(row(fmt::format("{}-{}", t, i)), [&](const Status& status) {
          EXPECT_TRUE(status.ok());
          done.count_down();
        });
    });
  for (std::thread& thread : threads) thread.join();
  done.wait();
  EXPECT_EQ(check(folder.path()).value().rows, kThreads * kRows);
}

TEST(WriterTest, EachHearsOnceWhatOthersWrote) {
  const FolderForTest folder;
  std::mutex mutex;
  std::map<int, std::int64_t> heard[2];  // tokens by key, of each writer
  std::vector<std::unique_ptr<Writer>> writers;
  for (auto& own : heard) {
    Writer::Listener listener;
    listener.on_requests = [&](const std::vector<KeyRequest>& requests) {
      const std::lock_guard lock(mutex);
      for (const KeyRequest& request : requests)
        own[static_cast<int>(request.key_id)] += request.tokens;
    };
    writers.push_back(start(folder, std::move(listener)));
  }
  for (int i = 0; i < 40; ++i) {
    UsageRecord one = row(fmt::format("{}", i));
    one.key_id = 1 + i % 2;
    ASSERT_TRUE(record(*writers[static_cast<std::size_t>(i % 2)], one).ok());
  }
  for (int i = 0; i < 500; ++i) {
    std::this_thread::sleep_for(10ms);
    const std::lock_guard lock(mutex);
    if (heard[0][2] >= 140 && heard[1][1] >= 140) break;
  }
  const std::lock_guard lock(mutex);
  EXPECT_EQ(heard[0], (std::map<int, std::int64_t>{{2, 140}}));
  EXPECT_EQ(heard[1], (std::map<int, std::int64_t>{{1, 140}}));
}

TEST(WriterTest, ARepeatedIdIsOneRow) {
  const FolderForTest folder;
  const auto writer = start(folder);
  ASSERT_TRUE(record(*writer, row("a")).ok());
  ASSERT_TRUE(record(*writer, row("a")).ok());
  EXPECT_EQ(rows_of(folder.path()).size(), 1u);
}

TEST(WriterTest, WhatWaitsIsWrittenAtTheEnd) {
  const FolderForTest folder;
  {
    const auto writer = start(folder);
    for (int i = 0; i < 100; ++i) writer->record(row(fmt::format("{}", i)), nullptr);
  }
  EXPECT_EQ(rows_of(folder.path()).size(), 100u);
}

TEST(WriterTest, AFullDiskIsToldAndGoneOnAfter) {
  FailingDisk::install();
  const FolderForTest folder;
  std::promise<void> again;
  std::atomic<int> reports = 0;
  Writer::Listener listener;
  listener.on_health = [&](const Status& status) {
    ++reports;
    if (status.ok()) again.set_value();
  };
  const auto writer = start(folder, std::move(listener), FailingDisk::kName);
  ASSERT_TRUE(record(*writer, row("before")).ok());
  FailingDisk::fail_from(1, SQLITE_FULL);
  for (const char* id : {"while", "still"}) {
    const Status status = record(*writer, row(id));
    ASSERT_FALSE(status.ok());
    EXPECT_NE(status.error().message.find("disk is full"), std::string::npos);
    EXPECT_FALSE(writer->healthy());
  }
  FailingDisk::works();
  again.get_future().wait();
  EXPECT_TRUE(writer->healthy());
  EXPECT_EQ(reports, 2);
  // Those whose client was told of an error are there as that.
  const std::vector<UsageRecord> rows = rows_of(folder.path());
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].ended, "finished");
  EXPECT_EQ(rows[1].ended, "failed");
  EXPECT_EQ(rows[1].code, "usage_not_recorded");
  EXPECT_EQ(rows[2].id, "still");
}

// Until a backup is put back: that one is written to, whoever put it there.
TEST(WriterTest, AFileThatIsRemovedIsToldAlsoWhileNobodyAsks) {
  const FolderForTest folder;
  std::promise<std::string> wrong;
  std::promise<void> again;
  Writer::Listener listener;
  listener.on_health = [&](const Status& status) {
    if (status.ok()) return again.set_value();
    wrong.set_value(status.error().message);
  };
  const auto writer = start(folder, std::move(listener));
  ASSERT_TRUE(record(*writer, row("before")).ok());
  const std::string copy = folder.path() + "/copy";
  ASSERT_TRUE(back_up(folder.path(), copy).ok());
  for (const char* end : {"", "-wal", "-shm"})
    std::filesystem::remove(folder.path() + "/aquilon.db" + end);
  EXPECT_NE(wrong.get_future().get().find("was removed"), std::string::npos);
  EXPECT_FALSE(writer->healthy());
  EXPECT_FALSE(record(*writer, row("while")).ok());
  std::filesystem::rename(copy, folder.path() + "/aquilon.db");
  again.get_future().wait();
  ASSERT_TRUE(record(*writer, row("after")).ok());
  const std::vector<UsageRecord> rows = rows_of(folder.path());
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[1].id, "while");
  EXPECT_EQ(rows[1].ended, "failed");
}

TEST(WriterTest, WhatIsLostAtTheEndIsTold) {
  FailingDisk::install();
  const FolderForTest folder;
  std::vector<std::string> lost;
  Writer::Listener listener;
  listener.on_lost = [&](const UsageRecord& one) { lost.push_back(one.id); };
  auto writer = start(folder, std::move(listener), FailingDisk::kName);
  FailingDisk::fail_from(1, SQLITE_FULL);
  EXPECT_FALSE(record(*writer, row("a")).ok());
  writer->record(row("b"), nullptr);
  writer.reset();
  FailingDisk::works();
  EXPECT_EQ(lost, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(rows_of(folder.path()).empty());
}

UsageRecord refusal(std::int64_t key, std::int64_t minute, const char* code) {
  UsageRecord r{.key_id = key, .ended = "refused", .code = code};
  r.status = 429;
  r.started_ms = minute * 60'000 + key;
  return r;
}

TEST(WriterTest, RefusalsAreCountedByKeyReasonAndMinute) {
  const FolderForTest folder;
  for (int life = 0; life < 2; ++life) {  // a server that starts again goes on counting
    const auto writer = start(folder);
    for (int i = 0; i < 5000; ++i) {
      writer->record_refusal(refusal(1, 7, "rate_limit_exceeded"));
      writer->record_refusal(refusal(1, 8, "rate_limit_exceeded"));
    }
    writer->record_refusal(refusal(2, 7, "rate_limit_exceeded"));
    writer->record_refusal(refusal(1, 7, "insufficient_quota"));
  }
  const std::vector<UsageRecord> rows = rows_of(folder.path());
  ASSERT_EQ(rows.size(), 4u);
  std::int64_t requests = 0;
  for (const UsageRecord& one : rows) requests += one.requests;
  EXPECT_EQ(requests, 2 * 10'002);
  EXPECT_EQ(check(folder.path()).value().requests, 2 * 10'002);
}

TEST(WriterTest, DaysAreSharedByTheServersOfAFolder) {
  const FolderForTest folder;
  const std::int64_t day = std::chrono::duration_cast<std::chrono::milliseconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count() /
                           kDayMs;
  std::mutex mutex;
  KeyUse elsewhere[2];
  std::vector<std::unique_ptr<Writer>> writers;
  for (KeyUse& own : elsewhere) {
    Writer::Listener listener;
    listener.on_others = [&mutex, &own](const std::vector<DayUse>& uses) {
      const std::lock_guard lock(mutex);
      for (const DayUse& one : uses)
        if (one.key_id == 7) own = one.use;
    };
    writers.push_back(start(folder, std::move(listener)));
  }
  for (int i = 0; i < 10; ++i) writers[0]->count({7, day, {.requests = 1, .tokens = 10}});
  writers[1]->count({7, day, {.requests = 5}});
  for (int i = 0; i < 500; ++i) {
    std::this_thread::sleep_for(10ms);
    const std::lock_guard lock(mutex);
    if (elsewhere[0].requests == 5 && elsewhere[1].requests == 10) break;
  }
  {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(elsewhere[0].requests, 5);
    EXPECT_EQ(elsewhere[1].requests, 10);
    EXPECT_EQ(elsewhere[1].tokens, 100);
  }
  writers.clear();
  KeyUse known;
  Writer::Listener listener;
  listener.on_others = [&](const std::vector<DayUse>& uses) { known = uses.at(0).use; };
  const auto next = start(folder, std::move(listener));
  EXPECT_EQ(known.requests, 15);
}

TEST(UsageTest, IsReadInPagesThatHoldNothing) {
  const FolderForTest folder;
  Database database = Database::open(folder.path(), Database::Open::kCreate).value();
  std::vector<UsageRecord> rows;
  for (int i = 0; i < 2500; ++i) rows.push_back(row(fmt::format("{}", i)));
  ASSERT_TRUE(database.write([&](Connection& c) { return insert_usage(c, rows); }).ok());
  Database other = Database::open(folder.path(), Database::Open::kExisting).value();
  int read = 0;
  ASSERT_TRUE(
      read_usage(other.connection(), {}, [&](const UsageRecord& one) {
        EXPECT_EQ(one.id, fmt::format("{}", read));
        if (++read != 10) return true;
        // As one that is paused: the log can be emptied, and what comes is not read.
        EXPECT_TRUE(
            database.write([&](Connection& c) { return insert_usage(c, {row("later")}); }).ok());
        EXPECT_EQ(database.connection().integer("PRAGMA wal_checkpoint(TRUNCATE)").value(), 0);
        EXPECT_EQ(std::filesystem::file_size(folder.path() + "/aquilon.db-wal"), 0u);
        return true;
      }).ok());
  EXPECT_EQ(read, 2500);
  read = 0;
  ASSERT_TRUE(
      read_usage(other.connection(), {}, [&](const UsageRecord&) { return ++read < 7; }).ok());
  EXPECT_EQ(read, 7);
}

TEST(UsageTest, OldRowsArePrunedButNotWhatBudgetsCount) {
  constexpr std::int64_t kNow = 20 * kDayMs + 5;
  struct Case {
    std::int64_t before_ms;
    std::int64_t removed;
    std::int64_t days;
  };
  for (const Case& one : {Case{0, 0, 21}, Case{3 * kDayMs, 3 * 600, 18}, Case{kNow, 21 * 600, 2},
                          Case{kNow * 2, 21 * 600, 2}}) {
    const FolderForTest folder;
    Database database = Database::open(folder.path(), Database::Open::kCreate).value();
    std::vector<UsageRecord> rows;
    DayUses days;
    for (std::int64_t day = 0; day <= 20; ++day) {
      days[{1, day}] = {.requests = 600};
      for (int i = 0; i < 600; ++i) {
        rows.push_back(row(fmt::format("{}-{}", day, i)));
        rows.back().started_ms = day * kDayMs;
      }
    }
    ASSERT_TRUE(database
                    .write([&](Connection& c) -> Status {
                      AQ_RETURN_IF_ERROR(add_day_uses(c, days));
                      return insert_usage(c, rows);
                    })
                    .ok());
    EXPECT_EQ(prune_usage(database, one.before_ms, kNow).value(), one.removed);
    EXPECT_EQ(check(folder.path()).value().rows, 21 * 600 - one.removed);
    EXPECT_EQ(day_uses(database.connection(), 0).value().size(),
              static_cast<std::size_t>(one.days));
  }
}

TEST(WriterTest, KeysOfOtherProcessesAreSeen) {
  const FolderForTest folder;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<KeyState> keys;
  Writer::Listener listener;
  listener.on_keys = [&](std::vector<KeyState> now) {
    const std::lock_guard lock(mutex);
    keys = std::move(now);
    changed.notify_all();
  };
  const auto writer = start(folder, std::move(listener));
  EXPECT_TRUE(keys.empty());
  Database other = Database::open(folder.path(), Database::Open::kExisting).value();
  ASSERT_TRUE(create_key(other, {.name = "ann"}).ok());
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return keys.size() == 1; });
  EXPECT_EQ(keys[0].key.name, "ann");
  lock.unlock();
  ASSERT_TRUE(revoke_key(other, "ann", 5).ok());
  lock.lock();
  changed.wait(lock, [&] { return keys.at(0).key.revoked_ms == 5; });
}

TEST(UsageTest, SumsByKeyModelAndDay) {
  const FolderForTest folder;
  Database database = Database::open(folder.path(), Database::Open::kCreate).value();
  constexpr std::int64_t kDay = 86'400'000;
  std::vector<UsageRecord> rows;
  const auto add = [&rows](const char* key, const char* model, std::int64_t day) {
    UsageRecord r = row(fmt::format("{}", rows.size()));
    r.key_id = key[0];
    r.key = key;
    r.model = model;
    r.started_ms = day * kDay + 5;
    rows.push_back(r);
  };
  add("ann", "a", 0);
  add("ann", "b", 0);
  add("bob", "a", 1);
  ASSERT_TRUE(database.write([&](Connection& c) { return insert_usage(c, rows); }).ok());
  Connection& c = database.connection();
  const auto by_key = sum_usage(c, {}, UsageGroup::kKey, false).value();
  ASSERT_EQ(by_key.size(), 2u);
  EXPECT_EQ(by_key[0].name, "ann");
  EXPECT_EQ(by_key[0].requests, 2);
  EXPECT_EQ(by_key[0].prompt_tokens, 6);
  EXPECT_EQ(by_key[0].completion_tokens, 8);
  const auto by_day = sum_usage(c, {}, UsageGroup::kDay, false).value();
  ASSERT_EQ(by_day.size(), 2u);
  EXPECT_EQ(by_day[1].name, "1970-01-02");
  EXPECT_EQ(sum_usage(c, {.since_ms = kDay}, UsageGroup::kModel, false).value().size(), 1u);
  EXPECT_EQ(sum_usage(c, {.key = "ann"}, UsageGroup::kModel, true).value().size(), 2u);
}

}  // namespace
}  // namespace aquilon::store
