#include "api/trace_context.h"

#include <algorithm>

namespace aquilon::api {
namespace {

constexpr std::size_t kParentSize = 55;  // of version 00: 2-32-16-2 digits

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == text.npos;
}
bool is_zero(std::string_view text) {
  return text.find_first_not_of('0') == text.npos;
}

// The value of the only field of that name; null where there are none or several.
const std::string* only_field(const HttpRequest& request, std::string_view name) {
  const std::string* value = nullptr;
  for (const Header& header : request.headers) {
    if (header.name != name) continue;
    if (value) return nullptr;
    value = &header.value;
  }
  return value;
}

bool is_id_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_.:+/=").find(c) != std::string_view::npos;
}

}  // namespace

std::optional<TraceContext> parse_traceparent(std::string_view value) {
  if (value.size() < kParentSize || value[2] != '-' || value[35] != '-' || value[52] != '-')
    return {};
  const std::string_view version = value.substr(0, 2);
  const std::string_view trace = value.substr(3, 32);
  const std::string_view parent = value.substr(36, 16);
  const std::string_view flags = value.substr(53, 2);
  if (!is_hex(version) || !is_hex(trace) || !is_hex(parent) || !is_hex(flags)) return {};
  if (version == "ff" || is_zero(trace) || is_zero(parent)) return {};
  const bool longer = value.size() > kParentSize;
  if (longer && (version == "00" || value[kParentSize] != '-')) return {};
  return TraceContext{std::string(trace), std::string(flags)};
}

std::optional<TraceContext> trace_context(const HttpRequest& request) {
  const std::string* value = only_field(request, "traceparent");
  return value ? parse_traceparent(*value) : std::nullopt;
}

std::string span_id(std::string_view id) {
  return std::string(id.substr(0, 16));
}

std::string answered_request_id(const HttpRequest& request) {
  const std::string* asked = only_field(request, "x-request-id");
  const bool usable = asked && !asked->empty() && asked->size() <= 128 &&
                      std::all_of(asked->begin(), asked->end(), is_id_char);
  return usable ? *asked : request.id;
}

}  // namespace aquilon::api
