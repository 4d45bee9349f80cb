// Threads that serve tenants in turn: however much one has given them to do, the next piece of
// another comes as soon as one of theirs is done.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace aquilon::api {

class FairPool {
 public:
  // `most_of_one`: pieces of a tenant at a time.
  FairPool(int threads, int most_of_one);
  ~FairPool() { join(); }
  FairPool(const FairPool&) = delete;
  FairPool& operator=(const FairPool&) = delete;

  // A tenant's pieces begin in order. Threads: any.
  void post(std::uint64_t tenant, std::function<void()> work);
  // Does all that is there, then ends the threads. Nothing may be posted after it.
  void join();

 private:
  struct Tenant {
    std::deque<std::function<void()>> waiting;
    int running = 0;
    bool listed = false;  // in turns_
  };

  void run();
  void list(std::uint64_t id, Tenant& tenant);

  const int most_of_one_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, Tenant> tenants_;
  std::deque<std::uint64_t> turns_;  // those of whom a piece may begin now
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

// Of a server: for what takes some milliseconds, and for what may take some tenths of a second.
struct WorkerPools {
  explicit WorkerPools(int threads) : quick(threads, threads), slow(threads, 1) {}

  void join() {
    slow.join();  // first: it gives work to the other
    quick.join();
  }

  FairPool quick, slow;
};

}  // namespace aquilon::api
