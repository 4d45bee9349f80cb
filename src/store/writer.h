// The one thread of a server that works on its database: writes usage in groups, and watches for
// keys that were made, changed or revoked meanwhile, by whichever process.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "store/database.h"
#include "store/keys.h"
#include "store/usage.h"

namespace aquilon::store {

// A key, and what it has used of its limits of a minute.
struct KeyState {
  KeyRecord key;
  std::vector<KeyRequest> lately;
};

class Writer {
 public:
  using OnWritten = std::function<void(const Status&)>;
  // On the writing thread; must not block. Each may be null.
  struct Listener {
    std::function<void(std::vector<KeyState>)> on_keys;
    // What other processes have written meanwhile; each row once.
    std::function<void(std::vector<KeyRequest>)> on_requests;
    // What of a key's day was used elsewhere: by other processes, and before this one.
    std::function<void(const std::vector<DayUse>&)> on_others;
    std::function<void(const Status&)> on_health;     // when it changes: what is wrong, or nothing
    std::function<void(const UsageRecord&)> on_lost;  // a row that was not written before the end
  };

  // Reads the keys and what their days have used once before it returns (on the caller's thread),
  // then whenever they change.
  static Result<std::unique_ptr<Writer>> start(Database database, Listener listener);
  // Writes what waits; what the disk does not take then is lost, and told row by row.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // The row is durable when `written` is called with success: rows that come while others are
  // being written go together with one sync. With an error the row is kept and tried again every
  // second, as one that failed: its client is to be told so. `written` may be null.
  // Threads: any; `written` is called on the writing thread.
  void record(UsageRecord row, OnWritten written);
  // A request that was refused before anything was computed for it. Those of one key, model and
  // reason within a minute are one row with their number, written within a quarter of a second: who
  // is refused cannot fill the disk. Threads: any.
  void record_refusal(const UsageRecord& row);
  // More of a key's day was used; in the database with the next rows, or within a quarter of a
  // second. Threads: any.
  void count(const DayUse& use);

  // False from a write that failed, or from the removal of the files, to the next that works,
  // within about a second after the disk does again.
  bool healthy() const { return healthy_; }

 private:
  struct Waiting {
    UsageRecord row;
    OnWritten written;
  };
  // What came since the last look.
  struct Inbox {
    std::vector<Waiting> rows;
    Refusals refusals;
    DayUses uses;
  };

  Writer(Database database, Listener listener);
  Status load_keys();
  Status load_uses();
  Inbox wait(std::chrono::steady_clock::time_point until, bool& stop);
  void run();
  void write(Inbox inbox);
  void retry();
  Status write_rows(const std::vector<UsageRecord>& rows);
  void lose_rest();
  void set_health(const Status& status);
  void watch();
  Status hear_others(Connection& connection);

  const Listener listener_;

  std::mutex mutex_;  // guards inbox_ and stop_
  std::condition_variable wake_;
  Inbox inbox_;
  bool stop_ = false;
  std::atomic<bool> healthy_{true};

  // The thread's own.
  Database database_;
  std::vector<UsageRecord> unwritten_;  // that the disk did not take
  Refusals refusals_;                   // not written yet
  DayUses uses_;                        // likewise
  DayUses own_;                         // written by this process
  std::int64_t keys_version_ = -1;
  std::int64_t data_version_ = -1;  // of SQLite: changes when another connection writes
  std::int64_t heard_ = 0;          // rows up to this number are its own or told
  std::thread thread_;
};

}  // namespace aquilon::store
