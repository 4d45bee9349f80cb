#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <vector>

#include "base/check.h"

namespace aquilon {
namespace {

TEST(ThreadPool, RunsEveryTaskOnce) {
  for (const int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (const std::size_t tasks : {0u, 1u, 2u, 5u, 1000u}) {
      std::vector<std::atomic<int>> hits(tasks);
      pool.run(tasks, [&](std::size_t i) { hits[i].fetch_add(1); });
      for (const auto& hit : hits) EXPECT_EQ(hit.load(), 1);
    }
  }
}

TEST(ThreadPool, ManyShortLoopsAfterEachOther) {
  ThreadPool pool(4);
  std::atomic<std::uint64_t> sum = 0;
  for (int loop = 0; loop < 20000; ++loop)
    pool.run(3, [&](std::size_t i) { sum.fetch_add(i + 1, std::memory_order_relaxed); });
  EXPECT_EQ(sum.load(), 20000u * 6);
}

// On whatever thread it fails: the loop comes to its end, its caller hears of it, the next one
// runs.
TEST(ThreadPool, ABrokenInvariantEndsTheLoopOfItsCaller) {
  for (const int threads : {1, 2, 4}) {
    ThreadPool pool(threads);
    for (const std::size_t broken : {0u, 57u, 99u}) {
      std::atomic<int> done = 0;
      const CheckScope scope;
      EXPECT_THROW(pool.run(100,
                            [&](std::size_t i) {
                              AQ_CHECK(i != broken);
                              done.fetch_add(1);
                            }),
                   CheckFailure);
      EXPECT_EQ(done.load(), threads == 1 ? static_cast<int>(broken) : 99);
      std::atomic<int> after = 0;
      pool.run(100, [&](std::size_t) { after.fetch_add(1); });
      EXPECT_EQ(after.load(), 100);
    }
  }
}

TEST(ThreadPool, WakesParkedWorkers) {
  ThreadPool pool(2);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // past the spinning
    std::atomic<int> done = 0;
    pool.run(64, [&](std::size_t) { done.fetch_add(1); });
    EXPECT_EQ(done.load(), 64);
  }
}

}  // namespace
}  // namespace aquilon
