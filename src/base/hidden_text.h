// Characters that a reader does not see as what they are: control characters, which terminals obey,
// and those that turn the direction of a line around (Unicode's bidirectional controls).
#pragma once

#include <cstddef>
#include <string_view>

#include "base/utf8.h"

namespace aquilon {

// The code point of the well-formed character at the start of `text`, of `length` bytes.
constexpr char32_t code_point(std::string_view text, std::size_t length) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (length == 1) return byte(0);
  char32_t code = byte(0) & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) code = code << 6 | (byte(i) & 0x3Fu);
  return code;
}

constexpr bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

// Also the separators of lines and paragraphs.
constexpr bool is_line_control(char32_t c) {
  return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

// Has no shape of its own.
constexpr bool is_blank(char32_t c) {
  return c == ' ' || c == 0xA0 || c == 0xAD || c == 0x1680 || (c >= 0x2000 && c <= 0x200D) ||
         c == 0x202F || c == 0x205F || c == 0x2060 || c == 0x3000 || c == 0xFEFF;
}

}  // namespace aquilon
