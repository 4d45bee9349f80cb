// Moments as people write and read them on a command line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace aquilon::apps {

std::int64_t unix_ms_now();

// Milliseconds since 1970 of "2027-01-31" (its beginning), "2027-01-31T12:00", with seconds and
// their fraction, "Z" or "+02:00" behind (without: UTC), or of a time from now: "90s", "45m",
// "12h", "30d", "2w". `direction`: 1 for those that lie ahead, -1 for those that have passed.
// Errors: kInvalidArgument, naming `flag`.
Result<std::int64_t> parse_moment(std::string_view text, std::string_view flag, int direction,
                                  std::int64_t now_ms);

// "2027-01-31T12:00:00.000Z".
std::string moment_text(std::int64_t unix_ms);

}  // namespace aquilon::apps
