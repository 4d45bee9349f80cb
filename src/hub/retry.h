// Waiting before another try.
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include "base/result.h"

namespace aquilon::hub {

// Worth another try: connections that broke or stalled, servers that are busy.
bool is_transient(const Error& error);

// 0.5 s, 1 s, 2 s, ... up to 16 s before try 1, 2, 3, ..., or what the server asked for if it is
// more.
std::chrono::milliseconds retry_delay(int attempt, std::chrono::milliseconds asked);

// A Retry-After header in seconds, at most 5 minutes; zero when absent or a date.
std::chrono::milliseconds parse_retry_after(std::string_view header);

// Sleeps in short steps. False when `keep_going` said so.
bool wait_for(std::chrono::milliseconds delay, const std::function<bool()>& keep_going);

}  // namespace aquilon::hub
