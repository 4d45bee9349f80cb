// Lines of the server's log, without their line break: whatever is in them, they hold no character
// that steers a terminal or turns a line around, but its escape.
#pragma once

#include <string>
#include <string_view>

#include "api/server.h"

namespace aquilon::apps {

enum class LogLevel { kInfo, kWarning, kError };

// "2026-01-31T12:34:56.789Z"
std::string utc_timestamp();

// "POST /v1/chat/completions 200 12.3 ms ID key NAME"
std::string text_line(const api::AccessRecord& record);

// One JSON object, at most 8 KiB.
std::string json_line(const api::AccessRecord& record);
std::string json_line(std::string_view message, LogLevel level);
// "reloaded", "error: usage cannot be recorded"
std::string text_line(std::string_view message, LogLevel level);

}  // namespace aquilon::apps
