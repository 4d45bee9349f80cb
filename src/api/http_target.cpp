#include <algorithm>

#include "api/http_head.h"
#include "api/http_target_internal.h"
#include "base/utf8.h"

namespace aquilon::api {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool percent_decode(std::string_view text, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return false;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}

bool is_clean_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i));
    const auto c = static_cast<unsigned char>(text[i]);
    if (length == 0 || c < 0x20 || c == 0x7F || c == '\\') return false;
    i += length;
  }
  return true;
}

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);  // '/'
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(end);
  }
  return false;
}

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

// Splits off ":port"; false when what follows the host is not one.
bool split_port(std::string_view rest, std::string_view& port) {
  if (rest.empty()) return true;
  if (rest.front() != ':') return false;
  port = rest.substr(1);
  return port.size() <= 5 &&
         std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string_view split_target(std::string_view target, std::string& path, std::string& query) {
  const auto printable = [](char c) { return c > 0x20 && c < 0x7F && c != '#'; };
  if (!std::all_of(target.begin(), target.end(), printable))
    return "the request's target holds a character that must be percent-encoded";
  const std::size_t mark = target.find('?');
  query = mark == target.npos ? std::string_view() : target.substr(mark + 1);
  if (!percent_decode(target.substr(0, mark), path))
    return "the request's path has a '%' without two hexadecimal digits";
  if (!is_clean_text(path))
    return "the request's path holds a control character, a backslash or invalid UTF-8";
  if (has_dot_segment(path)) return "the request's path has a '.' or '..' segment";
  return "";
}

std::string normal_authority(std::string_view authority, std::string_view default_port) {
  std::string text(authority);
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  std::string_view host = text;
  std::string_view port;
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == host.npos || !split_port(host.substr(end + 1), port)) return {};
    host = host.substr(0, end + 1);
    const std::string_view inner = host.substr(1, host.size() - 2);
    if (inner.empty() || inner.find_first_not_of("0123456789abcdef:.") != inner.npos) return {};
  } else {
    const std::size_t end = std::min(host.find(':'), host.size());
    if (!split_port(host.substr(end), port)) return {};
    host = host.substr(0, end);
    if (host.ends_with('.')) host.remove_suffix(1);
    if (host.empty() || host.size() > 253) return {};
    if (host.ends_with('.') || host.find("..") != host.npos) return {};  // an empty label
    if (!std::all_of(host.begin(), host.end(), is_host_char)) return {};
    if (host.starts_with('.') || host.ends_with('.') || host.find("..") != host.npos) return {};
  }
  std::string out(host);
  if (!port.empty() && port != default_port) out.append(":").append(port);
  return out;
}

}  // namespace aquilon::api
