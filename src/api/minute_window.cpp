#include "api/minute_window.h"

#include <algorithm>

namespace aquilon::api {

void MinuteWindow::advance(std::int64_t tick) {
  if (tick <= tick_) return;
  const std::int64_t steps = std::min(tick - tick_, kTicks);
  for (std::int64_t i = 0; i < steps; ++i) {
    std::int64_t& old = at(tick - i);
    sum_ -= old;
    old = 0;
  }
  tick_ = tick;
}

std::int64_t MinuteWindow::sum(std::int64_t now_ms) {
  advance(now_ms / kTickMs);
  return sum_;
}

void MinuteWindow::add(std::int64_t now_ms, std::int64_t amount) {
  advance(now_ms / kTickMs);
  at(tick_) += amount;
  sum_ += amount;
}

void MinuteWindow::correct(std::int64_t now_ms, std::int64_t then_ms, std::int64_t change) {
  advance(now_ms / kTickMs);
  const std::int64_t then = then_ms / kTickMs;
  if (then <= tick_ - kTicks || then > tick_) return;
  std::int64_t& count = at(then);
  change = std::max(change, -count);
  count += change;
  sum_ += change;
}

std::int64_t MinuteWindow::wait_for(std::int64_t now_ms, std::int64_t most) {
  advance(now_ms / kTickMs);
  std::int64_t left = sum_;
  for (std::int64_t tick = tick_ - kTicks + 1; left > most && tick <= tick_; ++tick) {
    if (tick < 0) continue;
    left -= at(tick);
    if (left <= most) return (tick + kTicks) * kTickMs - now_ms;
  }
  return 0;
}

}  // namespace aquilon::api
