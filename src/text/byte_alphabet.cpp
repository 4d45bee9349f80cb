#include "text/byte_alphabet.h"

#include <array>

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

constexpr std::size_t kCharacters = 0x144;  // the alphabet's characters are all below

struct Alphabet {
  std::array<std::uint16_t, 256> character{};
  std::array<std::int16_t, kCharacters> byte{};  // -1: not in the alphabet
};

constexpr Alphabet make_alphabet() {
  Alphabet a;
  a.byte.fill(-1);
  std::uint16_t next = 0x100;
  for (std::uint16_t b = 0; b < 256; ++b) {
    const bool prints = (b > 0x20 && b < 0x7F) || (b > 0xA0 && b != 0xAD);
    const std::uint16_t c = prints ? b : next++;
    a.character[b] = c;
    a.byte[c] = static_cast<std::int16_t>(b);
  }
  return a;
}

constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

bool append_alphabet_bytes(std::string_view written, std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + written.size());
  char* to = out.data() + before;
  for (std::size_t i = 0; i < written.size(); ++i) {
    std::size_t c = static_cast<std::uint8_t>(written[i]);
    if (c >= 0x80) {  // two bytes, C2 to C5 first: all that the alphabet needs
      const bool two = c >= 0xC2 && c <= 0xC5 && ++i < written.size();
      const std::size_t next = two ? static_cast<std::uint8_t>(written[i]) : 0;
      c = (next & 0xC0) == 0x80 ? (c & 0x1F) << 6 | (next & 0x3F) : kCharacters;
    }
    if (c >= kCharacters || kAlphabet.byte[c] < 0) {
      out.resize(before);
      return false;
    }
    *to++ = static_cast<char>(kAlphabet.byte[c]);
  }
  out.resize(static_cast<std::size_t>(to - out.data()));
  return true;
}

std::string alphabet_form(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char b : bytes) {
    const unsigned c = kAlphabet.character[static_cast<std::uint8_t>(b)];
    if (c < 0x80) {
      out.push_back(static_cast<char>(c));
    } else {
      out.push_back(static_cast<char>(0xC0 | c >> 6));
      out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
    }
  }
  return out;
}

}  // namespace aquilon::text
