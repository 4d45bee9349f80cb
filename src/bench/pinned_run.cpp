#include "bench/pinned_run.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

namespace aquilon::bench {
namespace {

void bind_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

void raise_priority() {
  const sched_param parameters{.sched_priority = 1};
  ::pthread_setschedparam(::pthread_self(), SCHED_FIFO, &parameters);  // refused: stays normal
}

}  // namespace

std::vector<int> usable_cpus() {
  cpu_set_t set;
  std::vector<int> cpus;
  if (::sched_getaffinity(0, sizeof set, &set) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(static_cast<std::size_t>(cpu), &set)) cpus.push_back(cpu);
  return cpus.empty() ? std::vector<int>{0} : cpus;
}

double run_pinned(const std::vector<int>& cpus, const std::function<void(std::size_t)>& work) {
  using Clock = std::chrono::steady_clock;
  std::atomic<std::size_t> there{0};
  std::atomic<std::size_t> ready{0};
  std::vector<double> seconds(cpus.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < cpus.size(); ++i)
    threads.emplace_back([&, i] {
      bind_to(cpus[i]);
      ++there;
      while (there < cpus.size()) std::this_thread::yield();
      raise_priority();  // only now: a thread that has yet to start must not be kept from it
      ++ready;
      while (ready < cpus.size()) {
      }
      const auto begin = Clock::now();
      work(i);
      seconds[i] = std::chrono::duration<double>(Clock::now() - begin).count();
    });
  for (std::thread& thread : threads) thread.join();
  return *std::max_element(seconds.begin(), seconds.end());
}

}  // namespace aquilon::bench
