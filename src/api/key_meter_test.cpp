#include "api/key_meter.h"

#include <gtest/gtest.h>

#include <map>
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
  const store::KeyLimits limits{.requests_per_minute = 4, .tokens_per_minute = 100};
  const std::int64_t noon = 100 * kDay + kDay / 2;
  const MeterTime now{.steady_ms = 500'000, .unix_ms = noon};
  KeyMeter meter;
  meter.add_other({.started_ms = noon - 50'000, .tokens = 10}, now);
  meter.add_other({.started_ms = noon - 10'000, .tokens = 20}, now);
  meter.add_other({.started_ms = noon + 5'000, .requests = 2}, now);  // refused, by another clock
  EXPECT_EQ(meter.state(limits, now).requests_left, 0);
  EXPECT_EQ(meter.state(limits, now).tokens_left, 70);
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
  KeyMeter meter;
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
  KeyMeter meter;
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
  KeyMeter meter;
  meter.set_others(3, {.requests = 1, .tokens = 90});
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

// What running answers take is bounded by both limits, whoever asks first.
TEST(KeyMeterTest, RunningAnswersGrowUpToTheLimits) {
  struct Case {
    store::KeyLimits limits;
    std::int64_t room;
  };
  for (const Case& one : {Case{{.tokens_per_minute = 100}, 100}, Case{{.tokens_per_day = 70}, 70},
                          Case{{.tokens_per_minute = 100, .tokens_per_day = 70}, 70},
                          Case{{.tokens_per_minute = 70, .tokens_per_day = 100}, 70}}) {
    KeyMeter meter;
    const MeterTime now{1'000, 5 * kDay};
    std::int64_t grown = 0;
    for (int i = 0; i < 20; ++i) grown += meter.grow(one.limits, 16, now).tokens;
    EXPECT_EQ(grown, one.room);
    EXPECT_EQ(meter.grow(one.limits, 16, now).tokens, 0);
    Reservation none;
    EXPECT_TRUE(meter.reserve(one.limits, 0, 5, now, none));
  }
  KeyMeter free;
  EXPECT_EQ(free.grow({}, 16, {1'000, 0}).tokens, 16);
}

// Each day has its own count: a clock that is set over midnight and back, however often, gives no
// budget twice, and one that was in a far year by mistake takes none away.
TEST(KeyMeterTest, AClockThatIsSetGivesNoBudgetTwice) {
  const store::KeyLimits limits{.requests_per_day = 3};
  KeyMeter meter;
  std::map<std::int64_t, int> let_in;
  for (const std::int64_t day : {5, 5, 6, 5, 6, 5, 6, 400, 5, 6, 400, 400, 400, 5, 6, 5, 6})
    if (!meter.take_request(limits, {1'000, day * kDay + 7})) ++let_in[day];
  EXPECT_EQ(let_in, (std::map<std::int64_t, int>{{5, 3}, {6, 3}, {400, 3}}));
  meter.set_others(7, {.requests = 2});
  EXPECT_FALSE(meter.take_request(limits, {1'000, 7 * kDay}));
  EXPECT_TRUE(meter.take_request(limits, {1'000, 7 * kDay}));
}

TEST(KeyMeterTest, TellsWhatItCounts) {
  store::DayUses told;
  KeyMeter meter([&told](std::int64_t day, const store::KeyUse& more) {
    told[{0, day}].requests += more.requests;
    told[{0, day}].tokens += more.tokens;
  });
  const MeterTime now{1'000, 5 * kDay};
  EXPECT_FALSE(meter.take_request({.requests_per_day = 1}, now));
  EXPECT_TRUE(meter.take_request({.requests_per_day = 1}, now));
  Reservation reservation;
  EXPECT_FALSE(meter.reserve({}, 5, 100, now, reservation));
  meter.settle(reservation, 7, {2'000, 6 * kDay});
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ((told[{0, 5}].requests), 1);
  EXPECT_EQ((told[{0, 5}].tokens), 7);
}

TEST(KeyMeterTest, KnowsTheEndOfItsKey) {
  KeyMeter meter;
  EXPECT_EQ(meter.life(1'000), KeyMeter::Life::kLive);
  meter.set_end(false, 1'000);
  EXPECT_EQ(meter.life(999), KeyMeter::Life::kLive);
  EXPECT_EQ(meter.life(1'000), KeyMeter::Life::kExpired);
  meter.set_end(true, 0);
  EXPECT_EQ(meter.life(1'000), KeyMeter::Life::kRevoked);
}

}  // namespace
}  // namespace aquilon::api
