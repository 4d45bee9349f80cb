// What one key has used of its limits, and whether one more request fits them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "api/minute_window.h"
#include "store/keys.h"   // KeyLimits
#include "store/usage.h"  // KeyUse

namespace aquilon::api {

// A limit that a request does not fit.
struct Exceeded {
  std::string_view what;  // "requests a minute"
  std::int64_t limit = 0;
  std::int64_t wait_ms = 0;  // until it may fit
  bool never = false;        // the request alone is more than the limit
  bool daily = false;
};

// Tokens that a running request may come to use. They count until it ends, then what it has used.
struct Reservation {
  std::int64_t tokens = 0;
  std::int64_t then_ms = 0;  // steady clock
  std::int64_t day = 0;
};

// What is left, for the headers of answers.
struct LimitState {
  std::int64_t requests_left = 0, tokens_left = 0;          // of a minute
  std::int64_t requests_reset_ms = 0, tokens_reset_ms = 0;  // until nothing of it is used
  std::int64_t day_requests_left = 0, day_tokens_left = 0;
};

// Two clocks: a steady one for minutes, the calendar's (UTC) for days. Both in milliseconds.
struct MeterTime {
  std::int64_t steady_ms = 0;
  std::int64_t unix_ms = 0;
  static MeterTime now();
};

// Minutes are counted in memory, and what others let in is heard from the database, also what was
// before this process. Days are the folder's: what this process counts goes to `count`, what others
// have used comes back by set_others(). Each day has a count of its own, so that a clock which is
// set over midnight and back gives no budget twice. Threads: safe.
class KeyMeter {
 public:
  using Count = std::function<void(std::int64_t day, const store::KeyUse& more)>;
  // `count`: called under the meter's lock, must not call it; may be null.
  explicit KeyMeter(Count count = nullptr) : count_(std::move(count)) {}

  // A key that is revoked or expired ends the answers that run.
  void set_end(bool revoked, std::int64_t expires_ms);
  enum class Life { kLive, kRevoked, kExpired };
  Life life(std::int64_t unix_ms) const;

  // Counts a request, unless it does not fit.
  std::optional<Exceeded> take_request(const store::KeyLimits& limits, const MeterTime& now);
  // A request fits if its prompt does and a token of its answer; what the answer may have besides
  // is reserved as far as there is room. What it takes beyond has to be reserved as it goes.
  std::optional<Exceeded> reserve(const store::KeyLimits& limits, std::int64_t prompt_tokens,
                                  std::int64_t answer_tokens, const MeterTime& now,
                                  Reservation& out);
  // More for a running answer, at most `tokens`; fewer or none where the limits have no more room.
  Reservation grow(const store::KeyLimits& limits, std::int64_t tokens, const MeterTime& now);
  // What of a day was used elsewhere.
  void set_others(std::int64_t day, const store::KeyUse& use);
  // Instead of what was reserved, `used` counts.
  void settle(const Reservation& reservation, std::int64_t used, const MeterTime& now);

  // A request of another process that has ended, or of one before, for its minute.
  void add_other(const store::KeyRequest& request, const MeterTime& now);

  LimitState state(const store::KeyLimits& limits, const MeterTime& now);

 private:
  struct Day {
    store::KeyUse own, others;
    std::int64_t requests() const { return own.requests + others.requests; }
    std::int64_t tokens() const { return own.tokens + others.tokens; }
  };
  Day& day_at(std::int64_t day);
  Reservation take_tokens(std::int64_t tokens, const MeterTime& now);
  void count(std::int64_t day, const store::KeyUse& more) const {
    if (count_) count_(day, more);
  }

  const Count count_;
  std::atomic<bool> revoked_ = false;
  std::atomic<std::int64_t> expires_ms_ = 0;  // 0: never
  std::mutex mutex_;
  MinuteWindow requests_;
  MinuteWindow tokens_;
  std::map<std::int64_t, Day> days_;  // since 1970
};

}  // namespace aquilon::api
