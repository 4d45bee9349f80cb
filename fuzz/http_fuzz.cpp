// Any bytes are a request: refused with a status, or read into a head that is safe to route.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/http_head.h"
#include "api/http_parser.h"
#include "api/trace_context.h"
#include "base/check.h"

using namespace aquilon::api;

namespace {

constexpr std::uint64_t kBodyLimit = 4096;

void check_refusal(const ApiError& error) {
  AQ_CHECK(error.status >= 400 && error.status <= 505);
  AQ_CHECK(!error.message.empty());
}

// What routing, authentication and logs rely on.
void check_request(const RequestHead& head) {
  const HttpRequest& request = head.request;
  AQ_CHECK(!request.host.empty());
  AQ_CHECK(request.path.starts_with('/') || (request.path == "*" && request.method == "OPTIONS"));
  for (const char c : request.path) AQ_CHECK((c < 0 || c >= 0x20) && c != 0x7F && c != '\\');
  AQ_CHECK((request.path + "/").find("/../") == std::string::npos);
  AQ_CHECK((request.path + "/").find("/./") == std::string::npos);
  AQ_CHECK(!head.chunked || head.content_length == 0);
  AQ_CHECK(normal_authority(request.host, "80") == request.host);
  const std::string id = answered_request_id(request);
  AQ_CHECK(id.size() <= 128 && id.find_first_of(" \"\\\r\n\t") == id.npos);
  if (const auto trace = trace_context(request))
    AQ_CHECK(trace->trace_id.size() == 32 && trace->flags.size() == 2);
}

void read_body(HttpParser& parser, std::string_view bytes) {
  // In two pieces, as a socket may deliver it.
  std::size_t used = 0;
  if (auto refusal = parser.read_body(bytes.substr(0, bytes.size() / 2), kBodyLimit, used))
    return check_refusal(*refusal);
  AQ_CHECK(used <= bytes.size() / 2);
  bytes.remove_prefix(used);
  if (auto refusal = parser.read_body(bytes, kBodyLimit, used)) return check_refusal(*refusal);
  AQ_CHECK(used <= bytes.size());
  AQ_CHECK(parser.take_body().size() <= kBodyLimit);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const HeadScan scan = scan_head(bytes);
  AQ_CHECK(scan.skip + scan.size <= size && scan.size <= kMaxHeadBytes);
  if (scan.refusal) check_refusal(*scan.refusal);
  if (scan.size == 0) return 0;
  bytes.remove_prefix(scan.skip);
  HttpParser parser;
  RawHead raw;
  RequestHead head;
  if (auto refusal = parser.read_head(bytes.substr(0, scan.size), raw)) {
    check_refusal(*refusal);
    return 0;
  }
  if (auto refusal = check_head(std::move(raw), head)) {
    check_refusal(*refusal);
    return 0;
  }
  check_request(head);
  if (head.chunked || head.content_length > 0) read_body(parser, bytes.substr(scan.size));
  return 0;
}
