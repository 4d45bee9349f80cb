// Which kinds of bytes tokens consist of, as bits: where a lexeme stays as it is after every byte
// of some kinds, the tokens of those kinds alone need no walk.
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

  // Sets the bits of the tokens of these kinds alone, clears the others.
  void mask_of(ByteKinds kinds, std::span<MaskWord> mask) const;
  // By node of the tree of all tokens: the kinds in the tokens below it, and its own.
  std::span<const ByteKinds> below() const { return below_; }

 private:
  std::vector<ByteKinds> tokens_;  // kNoCharacters for empty ones; filled up to whole words
  std::vector<ByteKinds> below_;
};

}  // namespace aquilon::constraint
