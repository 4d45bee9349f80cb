// systemd's side of a service: the socket that it hands over, and what it wants to be told. Without
// libsystemd; without systemd, nothing happens. See sd_listen_fds(3) and sd_notify(3).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace aquilon {

// The descriptor of the one socket that was handed over; nothing if none was. The variables that
// say so are taken out of the environment. Errors: kInvalidArgument for several.
// Threads: before there are others.
Result<std::optional<int>> inherited_socket();

// Sends lines such as "READY=1" to the service manager. False if there is none, or it cannot be
// reached. Threads: any.
bool notify_service_manager(std::string_view state);

// How often the service manager wants to hear "WATCHDOG=1"; nothing if it does not.
std::optional<std::chrono::microseconds> watchdog_interval();

}  // namespace aquilon
