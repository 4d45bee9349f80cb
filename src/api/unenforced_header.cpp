#include "api/json_text.h"
#include "api/unenforced_header_internal.h"

namespace aquilon::api {
namespace {

constexpr std::size_t kMostBytes = 4096;

// JSON with every character beyond ASCII as \u escapes, of which those above U+FFFF are two.
std::string in_ascii(std::string_view json) {
  std::string out;
  for (std::size_t i = 0; i < json.size();) {
    const auto lead = static_cast<unsigned char>(json[i]);
    if (lead < 0x80) {
      out += json[i++];
      continue;
    }
    const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    std::uint32_t c = lead & (0xff >> (bytes + 1));
    for (std::size_t k = 1; k < bytes && i + k < json.size(); ++k)
      c = c << 6 | (static_cast<unsigned char>(json[i + k]) & 0x3f);
    i += bytes;
    if (c < 0x10000) {
      out += fmt::format("\\u{:04x}", c);
    } else {
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xd7c0 + (c >> 10), 0xdc00 + (c & 0x3ff));
    }
  }
  return out;
}

std::string one(const chat::Unenforced& keyword) {
  std::string out = "{\"pointer\":";
  append_json_string(out, keyword.pointer);
  out += ",\"keyword\":";
  append_json_string(out, keyword.keyword);
  out += ",\"reason\":";
  append_json_string(out, keyword.reason);
  return in_ascii(out + "}");
}

}  // namespace

std::vector<Header> unenforced_headers(std::span<const chat::Unenforced> unenforced) {
  if (unenforced.empty()) return {};
  std::string list = "[";
  for (std::size_t i = 0; i < unenforced.size(); ++i) {
    const std::string next = one(unenforced[i]);
    if (list.size() + next.size() > kMostBytes) {
      list += fmt::format("{}\"and {} more\"", i > 0 ? "," : "", unenforced.size() - i);
      break;
    }
    if (i > 0) list += ',';
    list += next;
  }
  return {{"x-unenforced", list + "]"}};
}

}  // namespace aquilon::api
