// A persistent pool for parallel loops. Workers park when there is nothing to do.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

namespace aquilon {

// Runs the tasks of one loop at a time on `threads` threads, the caller's among them.
// Threads: one caller at a time.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls body(i) once for every i in [0, tasks), in any order, on any thread; returns when all are
  // done. tasks < 2^20. Tasks are handed out one by one, so a thread that loses its core delays
  // only the task that it holds. Within a CheckScope of the caller, tasks that fail leave a
  // CheckFailure for it, once all the others are done.
  template <class Body>
  void run(std::size_t tasks, const Body& body) {
    if (tasks == 0) return;
    if (tasks == 1 || workers_.empty()) {
      for (std::size_t i = 0; i < tasks; ++i) body(i);
      return;
    }
    run_erased(
        tasks, [](const void* b, std::size_t i) { (*static_cast<const Body*>(b))(i); }, &body);
  }

 private:
  using Call = void (*)(const void* body, std::size_t task);

  void run_erased(std::size_t tasks, Call call, const void* body);
  void call(std::size_t task) noexcept;
  bool run_one();  // takes and runs a task of the current loop, if any is left
  void work();

  // The current loop in one word, so that taking a task is one compare-and-swap:
  // bits 40..63 loop number, 20..39 tasks, 0..19 next task.
  std::atomic<std::uint64_t> state_{0};
  std::atomic<std::size_t> done_{0};
  std::atomic<bool> stop_{false};
  std::atomic<bool> failed_{false};  // some task of the current loop
  Call call_ = nullptr;              // valid while a claimed task is unfinished
  const void* body_ = nullptr;
  bool contained_ = false;  // the caller is in a CheckScope
  std::vector<std::thread> workers_;
};

// Cores that this process may use (affinity and cgroup quota), at least 1.
int usable_cores();

}  // namespace aquilon
