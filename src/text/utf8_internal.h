// One step of reading UTF-8, for the pre-tokenizers and the streaming detokenizer.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aquilon::text {

enum class Utf8State : std::uint8_t {
  kComplete,    // a character
  kUnfinished,  // the bytes so far begin a character, and the input ends there
  kInvalid,     // can never become one
};

struct Utf8Step {
  std::uint32_t code_point;  // of a complete character
  std::uint8_t
      length;  // bytes of it; otherwise of the longest beginning that could have become one
  Utf8State state;
};

// Reads the character at p, p < end. Overlong forms, surrogates and values above U+10FFFF are
// invalid from the byte that makes them so (Unicode's "maximal subpart").
inline Utf8Step utf8_step(const char* p, const char* end) {
  const auto byte = [p](std::size_t i) { return static_cast<std::uint8_t>(p[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, Utf8State::kComplete};
  if (lead < 0xC2 || lead > 0xF4) return {0, 1, Utf8State::kInvalid};
  const std::uint8_t need = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // Bounds of the second byte; the rest are always 80..BF.
  std::uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  std::uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  std::uint32_t code_point = lead & (0x7Fu >> need);
  for (std::uint8_t i = 1; i < need; ++i) {
    if (p + i == end) return {0, i, Utf8State::kUnfinished};
    if (byte(i) < low || byte(i) > high) return {0, i, Utf8State::kInvalid};
    code_point = (code_point << 6) | (byte(i) & 0x3Fu);
    low = 0x80;
    high = 0xBF;
  }
  return {code_point, need, Utf8State::kComplete};
}

}  // namespace aquilon::text
