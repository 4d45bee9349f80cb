// Which kinds of bytes tokens consist of, as bits: where a lexeme goes on after every text of some
// kinds, the tokens of those kinds alone need no walk.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "constraint/vocabulary.h"

namespace aquilon::constraint {

using ByteKinds = std::uint32_t;

inline constexpr unsigned kAsciiKinds = 26;
// Characters beyond ASCII but for spaces and line ends, whole but for the last one's end.
inline constexpr ByteKinds kOtherCharacters = 1u << 26;
// Everything else: other spaces, no UTF-8.
inline constexpr ByteKinds kNoCharacters = 1u << 27;
// A space that a token begins with, as most words do; spaces further in are of their ASCII kind.
inline constexpr ByteKinds kLeadingSpace = 1u << 28;

// Texts of these kinds alone, and of at most so many bytes.
struct KindTexts {
  static constexpr std::uint8_t kAnyLength = 255;
  ByteKinds kinds = 0;  // none: no text
  std::uint8_t length = 0;
  friend auto operator<=>(const KindTexts&, const KindTexts&) = default;
};

// The kind of an ASCII byte: below kAsciiKinds.
unsigned ascii_kind(unsigned char byte);
// Spaces and line ends beyond ASCII: what patterns tell apart from other characters.
struct CodePointSpan {
  std::uint32_t low, high;
};
std::span<const CodePointSpan> other_spaces();

class TokenClasses {
 public:
  TokenClasses(const std::vector<std::string>& tokens, const TokenTree& all);

  // Sets the bits of the tokens that are such texts, clears the others.
  void mask_of(const KindTexts& texts, std::span<MaskWord> mask) const;
  // Whether all tokens below a node of the tree of all tokens, and its own, are such texts.
  bool all_below(std::uint32_t node, const KindTexts& texts) const {
    return (below_[node] & ~texts.kinds) == 0 && longest_[node] <= texts.length;
  }

 private:
  std::vector<ByteKinds> tokens_;    // kNoCharacters for empty ones; filled up to whole words
  std::vector<std::uint8_t> bytes_;  // of each token, kAnyLength for that many and more
  // By node: the kinds in the tokens below it and its own, and the bytes of the longest.
  std::vector<ByteKinds> below_;
  std::vector<std::uint8_t> longest_;
};

}  // namespace aquilon::constraint
