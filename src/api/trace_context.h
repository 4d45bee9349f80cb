// What a client says of the request's place among others: its own id for it, and W3C's traceparent.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/http_message.h"

namespace aquilon::api {

// https://www.w3.org/TR/trace-context/: all lower-case hex digits.
struct TraceContext {
  std::string trace_id;  // 32, not all zero
  std::string flags;     // 2
};

// Of a traceparent field's value, version 00 or a later one that begins as it does.
std::optional<TraceContext> parse_traceparent(std::string_view value);

// That of the request, if it has one field of that name and it is well-formed.
std::optional<TraceContext> trace_context(const HttpRequest& request);

// The span that answers the request whose own id is `id`: 16 hex digits.
std::string span_id(std::string_view id);

// The x-request-id that is given back: the client's, if it gave one of 1 to 128 letters, digits and
// "-_.:+/=", else the request's own.
std::string answered_request_id(const HttpRequest& request);

}  // namespace aquilon::api
