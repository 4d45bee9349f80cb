// What the pool's threads share.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "chat/model_pool.h"

namespace aquilon::chat {

// `mutex` guards all but `options`. Leases keep it alive. What calls out (takers, loading,
// destroying a generator) does so without the mutex.
struct ModelPool::Core : std::enable_shared_from_this<ModelPool::Core> {
  struct Waiter {
    std::uint64_t ticket;
    std::uint64_t tenant;
    Taker taker;
  };
  struct Entry {
    PooledModel model;
    ModelLease generator;  // while it is loaded
    ModelState state = ModelState::kUnloaded;
    bool draining = false;  // loaded, but whoever asks waits
    bool failed = false;
    std::size_t leases = 0;
    std::uint64_t last_used = 0;  // in uses of any model
    std::deque<Waiter> waiting;
    std::vector<std::function<void(Status)>> unloads;  // who asked for it
  };
  using Lock = std::unique_lock<std::mutex>;
  using Calls = std::vector<std::function<void()>>;

  explicit Core(const ModelPoolOptions& o) : options(o) {}

  // With the mutex held.
  bool grants(const Entry& entry) const {
    return entry.state == ModelState::kLoaded && !entry.draining;
  }
  ModelLease grant(Entry& entry);
  void release(Entry& entry);
  const Entry* find(std::string_view name) const;
  Status check_place(std::uint64_t tenant) const;

  // The pool's thread.
  void run();
  bool act(Lock& lock);
  std::optional<std::vector<Entry*>> victims(const Entry& wanted) const;
  void set_draining(const std::vector<Entry*>& victims, Lock& lock);
  void load(Entry& entry, Lock& lock);
  void unload(Entry& entry, Lock& lock);
  bool unload_one_idle(Lock& lock);
  void answer_waiting(Entry& entry, Calls& calls);
  void fail_waiting(Entry& entry, const Error& error, Calls& calls);
  void stop();

  const ModelPoolOptions options;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::unique_ptr<Entry>> entries;
  std::deque<Entry*> to_load;  // with requests that wait; first come, first served
  std::uint64_t uses = 0;
  std::uint64_t tickets = 0;
  bool stopping = false;
  std::thread thread;
};

}  // namespace aquilon::chat
