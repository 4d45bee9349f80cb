#include <charconv>

#include "chat/jinja/string_literal_internal.h"
#include "chat/jinja/unicode_internal.h"

namespace aquilon::chat::jinja {
namespace {

// The one-letter escapes; 0 for others.
char simple_escape(char letter) {
  switch (letter) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'v':
      return '\v';
    case '\\':
    case '\'':
    case '"':
      return letter;
    default:
      return 0;
  }
}

std::size_t hex_digits(char letter) {
  return letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
}

void append_code_point(std::string& out, std::uint32_t value) {
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  append_utf8(out, surrogate ? 0xFFFD : static_cast<std::int32_t>(value));
}

// Appends what the escape at body[at] (after the backslash) stands for; returns its length.
Result<std::size_t> append_escape(std::string& out, std::string_view body, std::size_t at) {
  const char letter = body[at];
  if (letter == '\n') return std::size_t{1};
  if (const char simple = simple_escape(letter)) {
    out += simple;
    return std::size_t{1};
  }
  if (letter >= '0' && letter <= '7') {
    std::size_t digits = 1;
    while (digits < 3 && at + digits < body.size() && body[at + digits] >= '0' &&
           body[at + digits] <= '7') {
      ++digits;
    }
    std::uint32_t value = 0;
    std::from_chars(body.data() + at, body.data() + at + digits, value, 8);
    append_code_point(out, value);
    return digits;
  }
  if (const std::size_t digits = hex_digits(letter)) {
    const std::string_view hex = body.substr(at + 1, digits);
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
    if (hex.size() < digits || end != hex.data() + digits || error != std::errc{} ||
        value > 0x10FFFF) {
      return make_error(Code::kInvalidArgument, "expected {} hexadecimal digits after \\{}", digits,
                        letter);
    }
    append_code_point(out, value);
    return 1 + digits;
  }
  if (letter == 'N') {
    return make_error(Code::kUnsupported, "\\N{{...}} in a string is not supported: write \\u....");
  }
  out += '\\';
  return std::size_t{0};
}

}  // namespace

Result<std::string> unescape(std::string_view body) {
  std::string out;
  out.reserve(body.size());
  for (std::size_t at = 0; at < body.size();) {
    if (body[at] != '\\' || at + 1 == body.size()) {
      out += body[at++];
    } else {
      at += 1 + AQ_TRY(append_escape(out, body, at + 1));
    }
  }
  return out;
}

}  // namespace aquilon::chat::jinja
