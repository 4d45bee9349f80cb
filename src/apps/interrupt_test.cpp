#include "apps/interrupt.h"

#include <gtest/gtest.h>

namespace aquilon::apps {
namespace {

TEST(InterruptFlag, IsSetByEachSignalUntilItIsTaken) {
  InterruptFlag flag;
  for (const int number : {SIGINT, SIGTERM, SIGINT}) {
    EXPECT_FALSE(flag.is_set());
    std::raise(number);
    EXPECT_TRUE(flag.is_set());
    EXPECT_TRUE(flag.take());
    EXPECT_FALSE(flag.take());
  }
}

TEST(InterruptFlag, ForgetsWhatCameBeforeIt) {
  {
    const InterruptFlag flag;
    std::raise(SIGINT);
  }
  EXPECT_FALSE(InterruptFlag().is_set());
}

using InterruptFlagDeathTest = testing::Test;

TEST(InterruptFlagDeathTest, TheSecondSignalEndsTheProgram) {
  const auto twice = [](int number) {
    const InterruptFlag flag;
    std::raise(number);
    std::raise(number);
  };
  EXPECT_EXIT(twice(SIGINT), testing::KilledBySignal(SIGINT), "");
  EXPECT_EXIT(twice(SIGTERM), testing::KilledBySignal(SIGTERM), "");
}

TEST(InterruptFlagDeathTest, OtherSignalsKeepTheirEffectAndAllGetItBack) {
  const auto other = [] {
    const InterruptFlag flag({SIGINT});
    std::raise(SIGTERM);
  };
  EXPECT_EXIT(other(), testing::KilledBySignal(SIGTERM), "");
  const auto after = [] {
    { const InterruptFlag flag; }
    std::raise(SIGINT);
  };
  EXPECT_EXIT(after(), testing::KilledBySignal(SIGINT), "");
}

TEST(InterruptFlag, LetsWaitingCallsReturn) {
  const InterruptFlag flag;
  struct sigaction now {};
  ::sigaction(SIGINT, nullptr, &now);
  EXPECT_EQ(now.sa_flags & SA_RESTART, 0);
}

}  // namespace
}  // namespace aquilon::apps
