#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>

#include "base/check.h"

namespace aquilon {
namespace {

constexpr std::uint64_t kTaskBits = 20;
constexpr std::uint64_t kTaskMask = (1u << kTaskBits) - 1;
constexpr int kSpins = 4000;  // some 20 µs of pauses before a worker parks

std::uint64_t next_task(std::uint64_t state) {
  return state & kTaskMask;
}
std::uint64_t task_count(std::uint64_t state) {
  return state >> kTaskBits & kTaskMask;
}

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
}

ThreadPool::~ThreadPool() {
  stop_ = true;
  state_.fetch_add(1ull << (2 * kTaskBits));  // a new, finished loop wakes the parked
  state_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run_erased(std::size_t tasks, Call call, const void* body) {
  AQ_CHECK(tasks <= kTaskMask);
  call_ = call;
  body_ = body;
  contained_ = CheckScope::open();
  done_.store(0, std::memory_order_relaxed);
  const std::uint64_t loop = (state_.load(std::memory_order_relaxed) >> (2 * kTaskBits)) + 1;
  state_.store(loop << (2 * kTaskBits) | tasks << kTaskBits, std::memory_order_release);
  state_.notify_all();
  while (run_one()) {
  }
  for (int spin = 0; done_.load(std::memory_order_acquire) != tasks; ++spin) {
    if (spin < kSpins) {
      pause_cpu();
    } else {
      sched_yield();
    }
  }
  if (failed_.load(std::memory_order_relaxed)) {
    failed_.store(false, std::memory_order_relaxed);
    leave_scope();
  }
}

void ThreadPool::call(std::size_t task) noexcept {
  if (!contained_) return call_(body_, task);
  try {
    const CheckScope scope;
    call_(body_, task);
  } catch (const std::exception&) {
    failed_.store(true, std::memory_order_relaxed);  // seen with done_
  }
}

bool ThreadPool::run_one() {
  std::uint64_t state = state_.load(std::memory_order_acquire);
  do {
    if (next_task(state) >= task_count(state)) return false;
  } while (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel));
  call(next_task(state));
  done_.fetch_add(1, std::memory_order_release);
  return true;
}

void ThreadPool::work() {
  int idle = 0;
  while (!stop_.load(std::memory_order_relaxed)) {
    const std::uint64_t seen = state_.load(std::memory_order_acquire);
    if (run_one()) {
      idle = 0;
    } else if (++idle < kSpins) {
      pause_cpu();
    } else if (state_.load(std::memory_order_acquire) == seen && !stop_) {
      state_.wait(seen, std::memory_order_acquire);
      idle = 0;
    }
  }
}

int usable_cores() {
  cpu_set_t set;
  int cores = 1;
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
  long long quota = 0;
  long long period = 0;
  if (std::FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {  // "max 100000" or "Q P"
    if (std::fscanf(file, "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0)
      cores = std::min<int>(cores, static_cast<int>((quota + period - 1) / period));
    std::fclose(file);
  }
  return std::max(cores, 1);
}

}  // namespace aquilon
