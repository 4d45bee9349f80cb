// Base64 (RFC 4648 section 4), as tokenizer files write the bytes of tokens.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace aquilon::text {

// Replaces `out` by the bytes; false if `coded` is not Base64 with its padding.
inline bool decode_base64(std::string_view coded, std::string& out) {
  static constexpr auto kValues = [] {
    std::array<std::uint8_t, 256> values;
    values.fill(0xFF);
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < kDigits.size(); ++i) {
      values[static_cast<std::uint8_t>(kDigits[i])] = static_cast<std::uint8_t>(i);
    }
    return values;
  }();
  out.clear();
  if (coded.size() % 4 != 0) return false;
  const std::size_t padding = coded.ends_with("==") ? 2 : coded.ends_with('=') ? 1 : 0;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : coded.substr(0, coded.size() - padding)) {
    const std::uint8_t value = kValues[static_cast<std::uint8_t>(c)];
    if (value == 0xFF) return false;
    bits = bits << 6 | value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(bits >> count & 0xFF));
  }
  return (bits & ((1u << count) - 1)) == 0;  // what the padding leaves over
}

}  // namespace aquilon::text
