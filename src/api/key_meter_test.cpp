#include "api/key_meter.h"

#include <gtest/gtest.h>

#include <random>

#include "api/minute_window.h"

namespace aquilon::api {
namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kDay = 86'400'000;

TEST(MinuteWindowTest, CountsTheLastMinute) {
  MinuteWindow window;
  window.add(1'000, 3);
  window.add(31'000, 4);
  EXPECT_EQ(window.sum(31'000), 7);
  EXPECT_EQ(window.sum(61'000), 7);
  EXPECT_EQ(window.sum(61'100), 4);
  EXPECT_EQ(window.sum(91'100), 0);
  window.add(1'000'000, 2);
  EXPECT_EQ(window.sum(1'000'000), 2);
}

TEST(MinuteWindowTest, KnowsWhenThereIsRoom) {
  MinuteWindow window;
  window.add(1'000, 3);
  window.add(31'000, 4);
  EXPECT_EQ(window.wait_for(31'000, 7), 0);
  EXPECT_EQ(window.wait_for(31'000, 4), 61'100 - 31'000);
  EXPECT_EQ(window.wait_for(31'000, 3), 91'100 - 31'000);
  EXPECT_EQ(window.wait_for(31'000, 0), 91'100 - 31'000);
}

TEST(MinuteWindowTest, WhatWasAddedIsCorrected) {
  MinuteWindow window;
  window.add(1'000, 10);
  window.correct(2'000, 1'000, -8);
  EXPECT_EQ(window.sum(2'000), 2);
  window.correct(2'000, 1'000, -8);  // never below nothing
  EXPECT_EQ(window.sum(2'000), 0);
  window.add(3'000, 10);
  window.correct(200'000, 3'000, -8);  // too late to matter
  EXPECT_EQ(window.sum(200'000), 0);
}

TEST(MinuteWindowTest, WhatOthersAddedEarlierCountsAsLongAsItsMinute) {
  MinuteWindow window;
  window.add_earlier(100'000, 50'000, 5);
  window.add_earlier(100'000, 30'000, 7);  // too long ago
  EXPECT_EQ(window.sum(100'000), 5);
  EXPECT_EQ(window.sum(110'000), 5);
  EXPECT_EQ(window.sum(110'100), 0);
}

TEST(KeyMeterTest, RequestsOfOthersCount) {
  const store::KeyLimits limits{.requests_per_minute = 3, .tokens_per_day = 100};
  const std::int64_t noon = 100 * kDay + kDay / 2;
  const MeterTime now{.steady_ms = 500'000, .unix_ms = noon};
  KeyMeter meter({.requests = 1, .tokens = 10}, noon);
  meter.add_known({.started_ms = noon - 50'000, .tokens = 10}, now);
  meter.add_other({.started_ms = noon - 10'000, .tokens = 20}, now);
  meter.add_other({.started_ms = noon + 5'000, .refused = true}, now);  // by another clock
  EXPECT_EQ(meter.state(limits, now).requests_left, 0);
  EXPECT_EQ(meter.state(limits, now).day_tokens_left, 70);
  EXPECT_TRUE(meter.take_request(limits, now));
  const MeterTime later{.steady_ms = 510'100, .unix_ms = noon + 10'100};
  EXPECT_FALSE(meter.take_request(limits, later));
}

// Against the definition, with a list of all that was added.
TEST(MinuteWindowTest, NeverForgetsTooEarly) {
  std::mt19937 random(1);
  MinuteWindow window;
  std::vector<std::pair<std::int64_t, std::int64_t>> added;
  std::int64_t now = 0;
  for (int i = 0; i < 5'000; ++i) {
    now += static_cast<std::int64_t>(random() % 400);
    const std::int64_t amount = random() % 5;
    window.add(now, amount);
    added.emplace_back(now, amount);
    std::int64_t least = 0;
    std::int64_t most = 0;
    for (const auto& [then, count] : added) {
      if (then > now - kMinute) least += count;
      if (then > now - kMinute - 100) most += count;
    }
    ASSERT_GE(window.sum(now), least);
    ASSERT_LE(window.sum(now), most);
  }
}

TEST(KeyMeterTest, RequestsAMinute) {
  KeyMeter meter({}, 0);
  const store::KeyLimits limits{.requests_per_minute = 2};
  EXPECT_FALSE(meter.take_request(limits, {1'000, 0}));
  EXPECT_FALSE(meter.take_request(limits, {2'000, 0}));
  const auto third = meter.take_request(limits, {3'000, 0});
  ASSERT_TRUE(third);
  EXPECT_EQ(third->what, "requests a minute");
  EXPECT_EQ(third->wait_ms, 61'100 - 3'000);
  EXPECT_EQ(meter.state(limits, {3'000, 0}).requests_left, 0);
  EXPECT_FALSE(meter.take_request(limits, {3'000 + third->wait_ms, 0}));
  EXPECT_FALSE(meter.take_request({}, {3'000, 0}));  // without limits
}

TEST(KeyMeterTest, TokensAMinuteAreReservedAndSettled) {
  KeyMeter meter({}, 0);
  const store::KeyLimits limits{.tokens_per_minute = 100};
  Reservation first;
  EXPECT_FALSE(meter.reserve(limits, 20, 500, {1'000, 0}, first));
  EXPECT_EQ(first.tokens, 100);  // as far as there is room
  Reservation second;
  EXPECT_TRUE(meter.reserve(limits, 20, 10, {1'000, 0}, second));
  meter.settle(first, 30, {2'000, 0});
  EXPECT_EQ(meter.state(limits, {2'000, 0}).tokens_left, 70);
  EXPECT_FALSE(meter.reserve(limits, 20, 10, {2'000, 0}, second));
  meter.settle(second, 80, {3'000, 0});  // more than was reserved
  EXPECT_EQ(meter.state(limits, {3'000, 0}).tokens_left, 0);
  Reservation none;
  const auto exceeded = meter.reserve(limits, 1, 0, {3'000, 0}, none);
  ASSERT_TRUE(exceeded);
  EXPECT_FALSE(exceeded->never);
  const auto never = meter.reserve(limits, 101, 0, {500'000, 0}, none);
  ASSERT_TRUE(never);
  EXPECT_TRUE(never->never);
}

TEST(KeyMeterTest, BudgetsOfADayEndWithIt) {
  const std::int64_t noon = 3 * kDay + kDay / 2;
  KeyMeter meter({.requests = 1, .tokens = 90}, noon);
  const store::KeyLimits limits{.requests_per_day = 2, .tokens_per_day = 100};
  EXPECT_FALSE(meter.take_request(limits, {0, noon}));
  const auto third = meter.take_request(limits, {0, noon + 1});
  ASSERT_TRUE(third);
  EXPECT_TRUE(third->daily);
  EXPECT_EQ(third->wait_ms, kDay / 2 - 1);
  Reservation reservation;
  EXPECT_TRUE(meter.reserve(limits, 11, 0, {0, noon}, reservation));
  EXPECT_FALSE(meter.reserve(limits, 5, 100, {0, noon}, reservation));
  EXPECT_EQ(reservation.tokens, 10);
  EXPECT_FALSE(meter.take_request(limits, {0, 4 * kDay}));
  meter.settle(reservation, 50, {0, 4 * kDay});  // of the day before: this one is not touched
  EXPECT_EQ(meter.state(limits, {0, 4 * kDay}).day_tokens_left, 100);
}

}  // namespace
}  // namespace aquilon::api
