// Classes of characters as the pre-tokenizers' patterns use them: \p{L}, \p{N}, \s, [\r\n], the
// rest, and what may stand in which part of a word. Unicode 16, the version of the PyPI package
// tokenizers 0.23.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace aquilon::text {

// One bit a class, so that a set of classes is a mask. Each character has exactly one of the first
// five; kSplit is an addition to kOther, kHead and kTail to kLetter, and both to kOther in marks.
enum CharClass : std::uint8_t {
  kLetter = 1,
  kNumber = 2,
  kSpace = 4,    // \s without carriage return and line feed
  kNewline = 8,  // carriage return, line feed
  kOther =
      16,  // marks, punctuation, symbols, controls, unassigned, and every byte of invalid UTF-8
  kSplit = 32,  // \p{P} and $ + < = > ^ ~ |, which the pattern "default" cuts out first
  kHead = 64,   // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]: the beginning of a word that changes case
  kTail = 128,  // [\p{Ll}\p{Lm}\p{Lo}\p{M}]: the rest of it
};

// Two-stage table over all code points, about 40 KB, built at first use. Threads: safe.
class UnicodeClasses {
 public:
  static const UnicodeClasses& get();

  std::uint8_t of(std::uint32_t code_point) const {  // below 0x110000
    return blocks_[block_of_[code_point >> kShift]][code_point & (kBlock - 1)];
  }
  // Class of an ASCII byte; 0 for the others.
  std::uint8_t of_ascii(std::uint8_t byte) const { return ascii_[byte]; }

 private:
  static constexpr std::uint32_t kShift = 7;
  static constexpr std::uint32_t kBlock = 1u << kShift;
  using Block = std::array<std::uint8_t, kBlock>;

  UnicodeClasses();

  std::array<std::uint8_t, 256> ascii_{};
  std::array<std::uint16_t, 0x110000 / kBlock> block_of_{};
  std::vector<Block> blocks_;  // distinct ones
};

}  // namespace aquilon::text
