#include "api/key_meter.h"

#include <algorithm>
#include <chrono>

namespace aquilon::api {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;

std::int64_t left_of(std::int64_t limit, std::int64_t used) {
  return std::max<std::int64_t>(limit - used, 0);
}

std::int64_t until_tomorrow(std::int64_t unix_ms) {
  return kDayMs - unix_ms % kDayMs;
}

}  // namespace

MeterTime MeterTime::now() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  return {duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(),
          duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

KeyMeter::KeyMeter(const store::KeyUse& today, std::int64_t unix_ms)
    : day_(unix_ms / kDayMs), today_(today) {}

void KeyMeter::begin_day(std::int64_t unix_ms) {
  const std::int64_t day = unix_ms / kDayMs;
  if (day == day_) return;
  day_ = day;
  today_ = {};
}

std::optional<Exceeded> KeyMeter::take_request(const store::KeyLimits& limits,
                                               const MeterTime& now) {
  const std::lock_guard lock(mutex_);
  begin_day(now.unix_ms);
  if (limits.requests_per_day > 0 && today_.requests >= limits.requests_per_day)
    return Exceeded{"requests a day", limits.requests_per_day, until_tomorrow(now.unix_ms), false,
                    true};
  const std::int64_t limit = limits.requests_per_minute;
  if (limit > 0 && requests_.sum(now.steady_ms) >= limit)
    return Exceeded{"requests a minute", limit, requests_.wait_for(now.steady_ms, limit - 1)};
  requests_.add(now.steady_ms, 1);
  ++today_.requests;
  return {};
}

std::optional<Exceeded> KeyMeter::reserve(const store::KeyLimits& limits,
                                          std::int64_t prompt_tokens, std::int64_t answer_tokens,
                                          const MeterTime& now, Reservation& out) {
  const std::lock_guard lock(mutex_);
  begin_day(now.unix_ms);
  std::int64_t room = prompt_tokens + answer_tokens;
  if (const std::int64_t limit = limits.tokens_per_day; limit > 0) {
    const std::int64_t left = left_of(limit, today_.tokens);
    if (prompt_tokens > left || left == 0)
      return Exceeded{"tokens a day", limit, until_tomorrow(now.unix_ms), prompt_tokens > limit,
                      true};
    room = std::min(room, left);
  }
  if (const std::int64_t limit = limits.tokens_per_minute; limit > 0) {
    const std::int64_t left = left_of(limit, tokens_.sum(now.steady_ms));
    const std::int64_t least = std::max<std::int64_t>(prompt_tokens, 1);
    if (least > left)
      return Exceeded{"tokens a minute", limit,
                      tokens_.wait_for(now.steady_ms, std::max<std::int64_t>(limit - least, 0)),
                      prompt_tokens > limit};
    room = std::min(room, left);
  }
  tokens_.add(now.steady_ms, room);
  today_.tokens += room;
  out = {room, now.steady_ms, day_};
  return {};
}

void KeyMeter::settle(const Reservation& reservation, std::int64_t used, const MeterTime& now) {
  const std::lock_guard lock(mutex_);
  begin_day(now.unix_ms);
  const std::int64_t change = used - reservation.tokens;
  if (reservation.day == day_) today_.tokens = std::max<std::int64_t>(today_.tokens + change, 0);
  if (change > 0) {
    tokens_.add(now.steady_ms, change);
  } else {
    tokens_.correct(now.steady_ms, reservation.then_ms, change);
  }
}

void KeyMeter::add_other(const store::KeyRequest& request, const MeterTime& now) {
  add_known(request, now);
  const std::lock_guard lock(mutex_);
  begin_day(now.unix_ms);
  if (request.refused || request.started_ms / kDayMs != day_) return;
  ++today_.requests;
  today_.tokens += request.tokens;
}

// A clock that was set meanwhile makes it a request of now, or one that counts no more.
void KeyMeter::add_known(const store::KeyRequest& request, const MeterTime& now) {
  const std::int64_t age_ms = std::max<std::int64_t>(now.unix_ms - request.started_ms, 0);
  const std::int64_t then_ms = now.steady_ms - age_ms;
  const std::lock_guard lock(mutex_);
  requests_.add_earlier(now.steady_ms, then_ms, 1);
  tokens_.add_earlier(now.steady_ms, then_ms, request.tokens);
}

LimitState KeyMeter::state(const store::KeyLimits& limits, const MeterTime& now) {
  const std::lock_guard lock(mutex_);
  begin_day(now.unix_ms);
  LimitState state;
  state.requests_left = left_of(limits.requests_per_minute, requests_.sum(now.steady_ms));
  state.tokens_left = left_of(limits.tokens_per_minute, tokens_.sum(now.steady_ms));
  state.requests_reset_ms = requests_.wait_for(now.steady_ms, 0);
  state.tokens_reset_ms = tokens_.wait_for(now.steady_ms, 0);
  state.day_requests_left = left_of(limits.requests_per_day, today_.requests);
  state.day_tokens_left = left_of(limits.tokens_per_day, today_.tokens);
  return state;
}

}  // namespace aquilon::api
