#include "engine/turns.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace aquilon::engine {
namespace {

TEST(TurnsTest, OneAtATimeAndNobodyTwiceInARow) {
  Turns turns;
  std::atomic<int> inside = 0;
  std::atomic<int> started = 0;
  std::vector<int> order;  // guarded by the turn
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&, t] {
      ++started;
      while (started < 2) std::this_thread::yield();
      for (int i = 0; i < 500; ++i) {
        const Turns::Turn turn(&turns);
        EXPECT_EQ(++inside, 1);
        order.push_back(t);
        // Held until the other one waits, unless it is through.
        for (int spin = 0; spin < 100'000 && !turns.wanted() && i < 250; ++spin)
          std::this_thread::yield();
        --inside;
      }
    });
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(order.size(), 1000u);
  int repeats = 0;
  for (std::size_t i = 1; i < 400; ++i) repeats += order[i] == order[i - 1];
  EXPECT_LE(repeats, 40);  // none, but where the other thread lost its core
}

TEST(TurnsTest, PassLetsTheOtherOneIn) {
  Turns turns;
  std::atomic<bool> had = false;
  Turns::Turn turn(&turns);
  std::thread other([&] {
    const Turns::Turn theirs(&turns);
    had = true;
  });
  while (!turns.wanted()) std::this_thread::yield();
  EXPECT_FALSE(had);
  turn.pass();
  EXPECT_TRUE(had);
  other.join();
}

TEST(TurnsTest, WithoutAnybodyToShareWithNothingWaits) {
  Turns::Turn turn(nullptr);
  turn.pass();
}

}  // namespace
}  // namespace aquilon::engine
