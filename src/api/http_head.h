// The head of a request, checked more strictly than the parser does: everything that two programs
// could read differently (request smuggling) or that could reach a route under a second name is
// refused here, before routing and authentication.
//
// Order: scan_head on the raw bytes, the parser (http_parser.h), check_head on its fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/api_error.h"
#include "api/http_message.h"

namespace aquilon::api {

inline constexpr std::size_t kMaxHeadBytes = 16 * 1024;
inline constexpr std::size_t kMaxHeadFields = 100;
inline constexpr std::size_t kMaxTargetBytes = 8 * 1024;

struct HeadScan {
  std::size_t skip = 0;  // empty lines before the request, to be thrown away
  std::size_t size = 0;  // bytes of the complete head after them; 0 while it is incomplete
  Refusal refusal = {};
};

// Looks for the end of a head in what has arrived. Refuses bare CR or LF, control characters,
// folded lines, more than kMaxHeadBytes or kMaxHeadFields.
HeadScan scan_head(std::string_view bytes);

// A head as the parser read it.
struct RawHead {
  std::string method;
  std::string target;
  int version = 11;  // 10 or 11
  bool keep_alive = true;
  std::vector<Header> fields;  // names lower case, in order, repeated ones kept
};

// A head that is safe to route: `request` has everything but body and id.
struct RequestHead {
  HttpRequest request;
  bool keep_alive = true;
  bool http11 = true;
  bool chunked = false;              // Transfer-Encoding: chunked
  std::uint64_t content_length = 0;  // 0 with chunked
  bool expects_continue = false;
};

// Exactly one well-formed Host; at most one Origin; at most one Content-Length, digits only;
// Transfer-Encoding exactly "chunked" (else 501), not with HTTP/1.0; target in origin form
// (absolute form only when it names the same authority), percent- decoded once, without dot
// segments, backslashes or control characters; no Content-Encoding.
Refusal check_head(RawHead raw, RequestHead& out);

// "host", "host:port" or "[v6]:port" in lower case and without a default port or trailing dot;
// empty when it is not a well-formed authority.
std::string normal_authority(std::string_view authority, std::string_view default_port);

}  // namespace aquilon::api
