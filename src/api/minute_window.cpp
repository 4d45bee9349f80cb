#include "api/minute_window.h"

#include <algorithm>
#include <limits>

namespace aquilon::api {

void MinuteWindow::advance(std::int64_t tick) {
  if (tick <= tick_) return;
  const std::int64_t steps = counts_.empty() ? 0 : std::min(tick - tick_, kTicks);
  for (std::int64_t i = 0; i < steps; ++i) {
    std::int32_t& old = at(tick - i);
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
  if (counts_.empty()) counts_.resize(kTicks);
  // More than 2^31 tokens in a tenth of a second count as so many.
  const auto most = static_cast<std::int64_t>(std::numeric_limits<std::int32_t>::max()) - at(tick_);
  amount = std::min(amount, most);
  at(tick_) += static_cast<std::int32_t>(amount);
  sum_ += amount;
}

void MinuteWindow::add_earlier(std::int64_t now_ms, std::int64_t then_ms, std::int64_t amount) {
  add(now_ms, 0);
  correct(now_ms, then_ms, amount);
}

void MinuteWindow::correct(std::int64_t now_ms, std::int64_t then_ms, std::int64_t change) {
  advance(now_ms / kTickMs);
  const std::int64_t then = then_ms / kTickMs;
  if (counts_.empty() || then <= tick_ - kTicks || then > tick_) return;
  std::int32_t& count = at(then);
  change =
      std::clamp<std::int64_t>(change, -count, std::numeric_limits<std::int32_t>::max() - count);
  count += static_cast<std::int32_t>(change);
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
