// The one thread of a server that works on its database: writes usage in groups, and watches for
// keys that were made, changed or revoked meanwhile, by whichever process.
#pragma once

#include <atomic>
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

// A key, and what it has used of its limits.
struct KeyState {
  KeyRecord key;
  KeyUse today;
  std::vector<KeyRequest> lately;  // within the last minute
};

class Writer {
 public:
  using OnWritten = std::function<void(const Status&)>;
  // On the writing thread; must not block. Each may be null.
  struct Listener {
    std::function<void(std::vector<KeyState>)> on_keys;
    // What other processes have written meanwhile; each row once.
    std::function<void(std::vector<KeyRequest>)> on_requests;
    std::function<void(const Status&)> on_health;  // when it changes: what is wrong, or nothing
  };

  // Reads the keys once before it returns (on the caller's thread), then whenever they change.
  static Result<std::unique_ptr<Writer>> start(Database database, Listener listener);
  // Writes what waits; what the disk does not take then is lost.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // The row is durable when `written` is called with success: rows that come while others are
  // being written go together with one sync. With an error the row is kept and tried again every
  // second, as one that failed: its client is to be told so. `written` may be null.
  // Threads: any; `written` is called on the writing thread.
  void record(UsageRecord row, OnWritten written);

  // False from a write that failed to the next that works, within about a second after the disk
  // does again.
  bool healthy() const { return healthy_; }

 private:
  struct Waiting {
    UsageRecord row;
    OnWritten written;
  };

  Writer(Database database, Listener listener);
  Status load_keys();
  void run();
  void write(std::vector<Waiting> batch);
  void retry();
  Status write_rows(const std::vector<UsageRecord>& rows);
  void set_health(const Status& status);
  void watch_keys();
  Status hear_others(Connection& connection);

  const Listener listener_;

  std::mutex mutex_;  // guards waiting_ and stop_
  std::condition_variable wake_;
  std::vector<Waiting> waiting_;
  bool stop_ = false;
  std::atomic<bool> healthy_{true};

  // The thread's own.
  Database database_;
  std::vector<UsageRecord> unwritten_;  // that the disk did not take
  std::int64_t keys_version_ = -1;
  std::int64_t heard_ = 0;  // rows up to this number are its own or told
  std::thread thread_;
};

}  // namespace aquilon::store
