// What one key has used of its limits, and whether one more request fits them.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

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

// In memory, of this process: a server that starts knows the use of the day and of the last minute
// from the database, and hears from there what others let in. Threads: safe.
class KeyMeter {
 public:
  explicit KeyMeter(const store::KeyUse& today, std::int64_t unix_ms);

  // Counts a request, unless it does not fit.
  std::optional<Exceeded> take_request(const store::KeyLimits& limits, const MeterTime& now);
  // A request fits if its prompt does; what its answer may have besides is reserved as far as there
  // is room. So a key is over its limit by the rest of one answer at most.
  std::optional<Exceeded> reserve(const store::KeyLimits& limits, std::int64_t prompt_tokens,
                                  std::int64_t answer_tokens, const MeterTime& now,
                                  Reservation& out);
  // Instead of what was reserved, `used` counts.
  void settle(const Reservation& reservation, std::int64_t used, const MeterTime& now);

  // A request of another process that has ended, or of one before.
  void add_other(const store::KeyRequest& request, const MeterTime& now);
  // The same, of a day whose use is known: its minute alone counts.
  void add_known(const store::KeyRequest& request, const MeterTime& now);

  LimitState state(const store::KeyLimits& limits, const MeterTime& now);

 private:
  void begin_day(std::int64_t unix_ms);

  std::mutex mutex_;
  MinuteWindow requests_;
  MinuteWindow tokens_;
  std::int64_t day_;  // since 1970
  store::KeyUse today_;
};

}  // namespace aquilon::api
