// The one table from an error's kind to what each audience sees: HTTP status and API error type for
// clients, exit status for shells.
#pragma once

#include <array>
#include <string_view>

#include "base/result.h"  // Code

namespace aquilon {

struct CodeInfo {
  Code code;
  std::string_view name;  // for logs
  int http_status;
  std::string_view api_type;  // `error.type` of the API
  int exit_status;            // sysexits.h where one fits
};

inline constexpr std::array<CodeInfo, 12> kCodes = {{
    {Code::kInvalidArgument, "invalid_argument", 400, "invalid_request_error", 2},
    {Code::kUnauthenticated, "unauthenticated", 401, "authentication_error", 77},
    {Code::kPermissionDenied, "permission_denied", 403, "permission_error", 77},
    {Code::kNotFound, "not_found", 404, "not_found_error", 66},
    {Code::kCorrupt, "corrupt", 422, "invalid_request_error", 65},
    {Code::kUnsupported, "unsupported", 400, "invalid_request_error", 65},
    {Code::kOutOfMemory, "out_of_memory", 503, "server_error", 71},
    {Code::kExhausted, "exhausted", 429, "rate_limit_error", 75},
    {Code::kCancelled, "cancelled", 499, "server_error", 130},
    {Code::kDeadline, "deadline", 504, "server_error", 75},
    {Code::kUnavailable, "unavailable", 503, "server_error", 69},
    {Code::kInternal, "internal", 500, "server_error", 70},
}};

constexpr const CodeInfo& code_info(Code code) {
  return kCodes[static_cast<std::size_t>(code)];
}

}  // namespace aquilon
