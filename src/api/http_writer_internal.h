// Response heads and events as bytes.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/http_message.h"

namespace aquilon::api {

struct ResponseFraming {
  bool http11 = true;
  bool keep_alive = true;
  std::optional<std::size_t> length;  // absent: a stream, chunked on HTTP/1.1, to the end on 1.0
};

// Status line, fields of the response, `more` fields, framing and Date; ends with the empty line.
std::string response_head(const HttpResponse& response, std::span<const Header> more,
                          const ResponseFraming& framing);

// A server-sent event: "id: <id>\nevent: <name>\ndata: <data>\n\n", without the lines of what is
// empty. Requires: none of them has a line end.
void append_event(std::string& out, std::string_view data, std::string_view name,
                  std::string_view id);

}  // namespace aquilon::api
