#include "apps/printable.h"

#include <fmt/format.h>

#include "base/hidden_text.h"

namespace aquilon::apps {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool is_hidden(char32_t code) {
  return is_control(code) || is_line_control(code);
}

}  // namespace

std::string printable(std::string_view text, bool keep_lines) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    const bool kept = keep_lines && (character == "\n" || character == "\t");
    if (length == 0)
      result += kReplacement;
    else if (is_hidden(code_point(character, length)) && !kept)
      result += ' ';
    else
      result += character;
    text.remove_prefix(character.size());
  }
  return result;
}

std::string escaped(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const char32_t code = length == 0 ? 0 : code_point(text, length);
    if (length == 0)
      result += kReplacement;
    else if (is_hidden(code))
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(code));
    else
      result += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result;
}

std::string valid_utf8(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    result += length == 0 ? kReplacement : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result;
}

}  // namespace aquilon::apps
