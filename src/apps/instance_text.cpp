#include "apps/instance_text.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/string.hpp>

namespace aquilon::apps {
namespace {

namespace json = boost::json;

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

void skip_spaces(std::string_view text, std::size_t& at) {
  while (at < text.size() && is_space(text[at])) ++at;
}

std::string_view string_at(std::string_view text, std::size_t& at) {
  const std::size_t begin = at++;
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  at = std::min(at + 1, text.size());
  return text.substr(begin, at - begin);
}

std::string_view value_at(std::string_view text, std::size_t& at) {
  skip_spaces(text, at);
  const std::size_t begin = at;
  int depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      string_at(text, at);
      if (depth == 0) break;
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') {
      if (depth == 0) break;
      ++at;
      if (--depth == 0) break;
      continue;
    }
    if (depth == 0 && (c == ',' || is_space(c))) break;
    ++at;
  }
  return text.substr(begin, at - begin);
}

std::string decoded(std::string_view quoted) {
  json::error_code ec;
  const json::value value = json::parse(quoted, ec);
  return ec || !value.is_string() ? std::string() : std::string(value.get_string());
}

std::string encoded(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    static constexpr std::string_view kFrom = "\"\\\b\f\n\r\t", kTo = "\"\\bfnrt";
    const std::size_t i = kFrom.find(c);
    if (i != kFrom.npos) {
      out += '\\';
      out += kTo[i];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      static constexpr char kHex[] = "0123456789abcdef";
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

std::optional<std::string_view> json_member(std::string_view text, std::string_view key) {
  std::size_t at = 0;
  skip_spaces(text, at);
  if (at >= text.size() || text[at++] != '{') return std::nullopt;
  for (;;) {
    skip_spaces(text, at);
    if (at >= text.size() || text[at] != '"') return std::nullopt;
    const std::string name = decoded(string_at(text, at));
    skip_spaces(text, at);
    ++at;  // the colon
    const std::string_view value = value_at(text, at);
    if (name == key) return value;
    skip_spaces(text, at);
    if (at >= text.size() || text[at++] != ',') return std::nullopt;
  }
}

std::vector<std::string_view> json_items(std::string_view text) {
  std::vector<std::string_view> items;
  std::size_t at = 0;
  skip_spaces(text, at);
  if (at >= text.size() || text[at++] != '[') return items;
  for (;;) {
    skip_spaces(text, at);
    if (at >= text.size() || text[at] == ']') return items;
    items.push_back(value_at(text, at));
    skip_spaces(text, at);
    if (at >= text.size() || text[at++] != ',') return items;
  }
}

std::string relaid_json(std::string_view text, bool compact) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      out += encoded(decoded(string_at(text, at)));
      continue;
    }
    ++at;
    if (is_space(c)) continue;
    out += c;
    if (!compact && (c == ',' || c == ':')) out += ' ';
  }
  return out;
}

}  // namespace aquilon::apps
