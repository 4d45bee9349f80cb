// How much was used within the last minute.
#pragma once

#include <cstdint>
#include <vector>

namespace aquilon::api {

// Counts in tenths of a second; what is more than a minute old is forgotten, never earlier and at
// most a tenth of a second later. Time only goes on. Takes 2.4 KB once something was added.
// Threads: one user at a time.
class MinuteWindow {
 public:
  // `now_ms`: of a clock that never goes back.
  std::int64_t sum(std::int64_t now_ms);
  void add(std::int64_t now_ms, std::int64_t amount);
  // What was used at `then_ms`, as far as it still counts.
  void add_earlier(std::int64_t now_ms, std::int64_t then_ms, std::int64_t amount);
  // Changes what was added at `then_ms`, as far as it still counts.
  void correct(std::int64_t now_ms, std::int64_t then_ms, std::int64_t change);
  // Milliseconds until the sum is `most` or less.
  std::int64_t wait_for(std::int64_t now_ms, std::int64_t most);

 private:
  static constexpr std::int64_t kTickMs = 100;
  static constexpr std::int64_t kTicks = 601;

  void advance(std::int64_t tick);
  std::int32_t& at(std::int64_t tick) { return counts_[static_cast<std::size_t>(tick % kTicks)]; }

  std::vector<std::int32_t> counts_;  // [kTicks], or empty: nothing was added
  std::int64_t tick_ = 0;             // the newest one
  std::int64_t sum_ = 0;
};

}  // namespace aquilon::api
