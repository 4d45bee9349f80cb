#include "api/key_meter.h"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace aquilon::api {
namespace {

using store::kDayMs;
constexpr std::size_t kKnownDays = 8;  // more are of a clock that jumps about

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

void KeyMeter::set_end(bool revoked, std::int64_t expires_ms) {
  revoked_ = revoked;
  expires_ms_ = expires_ms;
}

KeyMeter::Life KeyMeter::life(std::int64_t unix_ms) const {
  if (revoked_) return Life::kRevoked;
  const std::int64_t end = expires_ms_;
  return end > 0 && end <= unix_ms ? Life::kExpired : Life::kLive;
}

KeyMeter::Day& KeyMeter::day_at(std::int64_t day) {
  if (!days_.contains(day) && days_.size() >= kKnownDays)
    days_.erase(days_.begin()->first < day ? days_.begin() : std::prev(days_.end()));
  return days_[day];
}

void KeyMeter::set_others(std::int64_t day, const store::KeyUse& use) {
  const std::lock_guard lock(mutex_);
  day_at(day).others = use;
}

std::optional<Exceeded> KeyMeter::take_request(const store::KeyLimits& limits,
                                               const MeterTime& now) {
  const std::lock_guard lock(mutex_);
  const std::int64_t day = now.unix_ms / kDayMs;
  Day& today = day_at(day);
  if (limits.requests_per_day > 0 && today.requests() >= limits.requests_per_day)
    return Exceeded{"requests a day", limits.requests_per_day, until_tomorrow(now.unix_ms), false,
                    true};
  const std::int64_t limit = limits.requests_per_minute;
  if (limit > 0 && requests_.sum(now.steady_ms) >= limit)
    return Exceeded{"requests a minute", limit, requests_.wait_for(now.steady_ms, limit - 1)};
  requests_.add(now.steady_ms, 1);
  ++today.own.requests;
  count(day, {.requests = 1});
  return {};
}

std::optional<Exceeded> KeyMeter::reserve(const store::KeyLimits& limits,
                                          std::int64_t prompt_tokens, std::int64_t answer_tokens,
                                          const MeterTime& now, Reservation& out) {
  const std::lock_guard lock(mutex_);
  std::int64_t room = prompt_tokens + answer_tokens;
  const std::int64_t least = std::max<std::int64_t>(prompt_tokens, 1);
  if (const std::int64_t limit = limits.tokens_per_day; limit > 0) {
    const std::int64_t left = left_of(limit, day_at(now.unix_ms / kDayMs).tokens());
    if (least > left)
      return Exceeded{"tokens a day", limit, until_tomorrow(now.unix_ms), prompt_tokens > limit,
                      true};
    room = std::min(room, left);
  }
  if (const std::int64_t limit = limits.tokens_per_minute; limit > 0) {
    const std::int64_t left = left_of(limit, tokens_.sum(now.steady_ms));
    if (least > left)
      return Exceeded{"tokens a minute", limit,
                      tokens_.wait_for(now.steady_ms, std::max<std::int64_t>(limit - least, 0)),
                      prompt_tokens > limit};
    room = std::min(room, left);
  }
  out = take_tokens(room, now);
  return {};
}

Reservation KeyMeter::grow(const store::KeyLimits& limits, std::int64_t tokens,
                           const MeterTime& now) {
  const std::lock_guard lock(mutex_);
  std::int64_t room = tokens;
  if (const std::int64_t limit = limits.tokens_per_day; limit > 0)
    room = std::min(room, left_of(limit, day_at(now.unix_ms / kDayMs).tokens()));
  if (const std::int64_t limit = limits.tokens_per_minute; limit > 0)
    room = std::min(room, left_of(limit, tokens_.sum(now.steady_ms)));
  return take_tokens(room, now);
}

Reservation KeyMeter::take_tokens(std::int64_t tokens, const MeterTime& now) {
  const std::int64_t day = now.unix_ms / kDayMs;
  if (tokens > 0) tokens_.add(now.steady_ms, tokens);
  day_at(day).own.tokens += tokens;
  return {tokens, now.steady_ms, day};
}

void KeyMeter::settle(const Reservation& reservation, std::int64_t used, const MeterTime& now) {
  const std::lock_guard lock(mutex_);
  const std::int64_t change = used - reservation.tokens;
  day_at(reservation.day).own.tokens += change;
  if (used > 0) count(reservation.day, {.tokens = used});
  if (change > 0) {
    tokens_.add(now.steady_ms, change);
  } else {
    tokens_.correct(now.steady_ms, reservation.then_ms, change);
  }
}

// A clock that was set meanwhile makes it a request of now, or one that counts no more.
void KeyMeter::add_other(const store::KeyRequest& request, const MeterTime& now) {
  const std::int64_t age_ms = std::max<std::int64_t>(now.unix_ms - request.started_ms, 0);
  const std::int64_t then_ms = now.steady_ms - age_ms;
  const std::lock_guard lock(mutex_);
  requests_.add_earlier(now.steady_ms, then_ms, request.requests);
  tokens_.add_earlier(now.steady_ms, then_ms, request.tokens);
}

LimitState KeyMeter::state(const store::KeyLimits& limits, const MeterTime& now) {
  const std::lock_guard lock(mutex_);
  const Day& today = day_at(now.unix_ms / kDayMs);
  LimitState state;
  state.requests_left = left_of(limits.requests_per_minute, requests_.sum(now.steady_ms));
  state.tokens_left = left_of(limits.tokens_per_minute, tokens_.sum(now.steady_ms));
  state.requests_reset_ms = requests_.wait_for(now.steady_ms, 0);
  state.tokens_reset_ms = tokens_.wait_for(now.steady_ms, 0);
  state.day_requests_left = left_of(limits.requests_per_day, today.requests());
  state.day_tokens_left = left_of(limits.tokens_per_day, today.tokens());
  return state;
}

}  // namespace aquilon::api
