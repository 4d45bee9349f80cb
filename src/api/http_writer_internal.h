// Response heads as bytes.
#pragma once

#include <optional>
#include <span>
#include <string>

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

}  // namespace aquilon::api
