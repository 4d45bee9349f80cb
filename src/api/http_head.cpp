#include "api/http_head.h"

#include <algorithm>
#include <charconv>

#include "api/http_target_internal.h"

namespace aquilon::api {
namespace {

ApiError head_error(int status, std::string_view message) {
  return {.status = status,
          .type = "invalid_request_error",
          .message = std::string(message),
          .code = "bad_http_request"};
}

bool is_token_char(char c) {
  return c > 0x20 && c < 0x7F;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// What the byte at `i` does to the head; the empty message lets it pass.
std::string_view fault_at(std::string_view bytes, std::size_t i) {
  const char c = bytes[i];
  if (c == '\n') return i > 0 && bytes[i - 1] == '\r' ? "" : "a line ends with LF instead of CR LF";
  if (i > 0 && bytes[i - 1] == '\r') return "a CR stands alone";
  if ((c >= 0 && c < 0x20 && c != '\r' && c != '\t') || c == 0x7F)
    return "the request's head holds a control character";
  if (i > 1 && (c == ' ' || c == '\t') && bytes[i - 1] == '\n')
    return "a header field is folded over several lines";
  return "";
}

Refusal check_host(const RawHead& raw, std::string& host) {
  const auto is_host = [](const Header& h) { return h.name == "host"; };
  const auto count = std::count_if(raw.fields.begin(), raw.fields.end(), is_host);
  if (count != 1) return head_error(400, "a request needs exactly one Host field");
  const auto field = std::find_if(raw.fields.begin(), raw.fields.end(), is_host);
  host = normal_authority(field->value, "80");
  if (host.empty()) return head_error(400, "the Host field is not a host name");
  return {};
}

Refusal check_length(const std::string& value, std::uint64_t& length) {
  const char* end = value.data() + value.size();
  const auto [last, ec] = std::from_chars(value.data(), end, length);
  if (ec != std::errc() || last != end || value.size() > 18)
    return head_error(400, "Content-Length is not a number of bytes");
  return {};
}

// Fields that decide who may ask: two readers could go by different ones.
Refusal check_single(const RawHead& raw) {
  for (const std::string_view name : {"origin", "sec-fetch-site"}) {
    const auto is_named = [name](const Header& h) { return h.name == name; };
    if (std::count_if(raw.fields.begin(), raw.fields.end(), is_named) > 1)
      return head_error(400, fmt::format("the field {} is given twice", name));
  }
  return {};
}

Refusal check_framing(const RawHead& raw, RequestHead& out) {
  int lengths = 0;
  int encodings = 0;
  for (const Header& field : raw.fields) {
    if (field.name == "content-length") {
      if (++lengths > 1) return head_error(400, "Content-Length is given twice");
      if (Refusal refusal = check_length(field.value, out.content_length)) return refusal;
    } else if (field.name == "transfer-encoding") {
      if (++encodings > 1 || lower(field.value) != "chunked")
        return head_error(501, "the only Transfer-Encoding understood is 'chunked'");
      out.chunked = true;
    } else if (field.name == "content-encoding" && lower(field.value) != "identity") {
      return head_error(415, "compressed bodies are not accepted: send the body as it is");
    } else if (field.name == "expect") {
      if (lower(field.value) != "100-continue")
        return head_error(417, "the only Expect understood is '100-continue'");
      out.expects_continue = out.http11;
    }
  }
  if (lengths > 0 && encodings > 0)
    return head_error(400, "a request has either Content-Length or Transfer-Encoding, not both");
  if (encodings > 0 && !out.http11)  // RFC 9112, 6.1: whoever passed it on may have framed it else
    return head_error(400, "HTTP/1.0 has no Transfer-Encoding: send Content-Length, or HTTP/1.1");
  return {};
}

// The origin form of the target: strips "http://authority" where it names this very host.
Refusal origin_form(const RawHead& raw, const std::string& host, std::string_view& target) {
  target = raw.target;
  if (target.size() > kMaxTargetBytes) return head_error(414, "the request's target is too long");
  if (target == "*" && raw.method == "OPTIONS") return {};
  const std::string start = lower(target.substr(0, 8));
  const bool https = start == "https://";
  if (https || start.starts_with("http://")) {
    target.remove_prefix(https ? 8 : 7);
    const std::size_t path = std::min(target.find_first_of("/?#"), target.size());
    if (normal_authority(target.substr(0, path), https ? "443" : "80") != host)
      return head_error(400, "the request's target names another host than the Host field");
    target.remove_prefix(path);
    if (target.empty()) target = "/";
  }
  if (target.front() != '/')
    return head_error(400, "the request's target must be a path that begins with '/'");
  return {};
}

}  // namespace

HeadScan scan_head(std::string_view bytes) {
  HeadScan scan;
  while (scan.skip < 8 && bytes.substr(scan.skip, 2) == "\r\n") scan.skip += 2;
  bytes.remove_prefix(scan.skip);
  std::size_t lines = 0;
  const std::size_t limit = std::min(bytes.size(), kMaxHeadBytes);
  for (std::size_t i = 0; i < limit; ++i) {
    const std::string_view fault = fault_at(bytes, i);
    if (!fault.empty() || (i == 0 && !is_token_char(bytes[0]) && bytes[0] != '\r')) {
      scan.refusal = head_error(400, fault.empty() ? "this is not an HTTP request" : fault);
      return scan;
    }
    if (bytes[i] != '\n') continue;
    if (i >= 3 && bytes[i - 2] == '\n') {
      scan.size = i + 1;
      return scan;
    }
    if (++lines > kMaxHeadFields + 1) {
      scan.refusal = head_error(431, "the request has more than 100 header fields");
      return scan;
    }
  }
  if (bytes.size() >= kMaxHeadBytes)
    scan.refusal = head_error(431, "the request's head is longer than 16 KiB");
  return scan;
}

Refusal check_head(RawHead raw, RequestHead& out) {
  out.http11 = raw.version >= 11;
  out.keep_alive = raw.keep_alive;
  if (Refusal refusal = check_framing(raw, out)) return refusal;
  if (Refusal refusal = check_host(raw, out.request.host)) return refusal;
  if (Refusal refusal = check_single(raw)) return refusal;
  std::string_view target;
  if (Refusal refusal = origin_form(raw, out.request.host, target)) return refusal;
  const std::string_view fault = split_target(target, out.request.path, out.request.query);
  if (!fault.empty()) return head_error(400, fault);
  out.request.method = std::move(raw.method);
  out.request.headers = std::move(raw.fields);
  return {};
}

}  // namespace aquilon::api
