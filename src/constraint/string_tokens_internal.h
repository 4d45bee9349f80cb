// Tokens that cross the edges of JSON's strings and blanks, so that what is the same behind an edge
// is walked once. Made once for a vocabulary.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace aquilon::constraint {

// Tokens by what is left of them behind their heads: those of one rest go on alike.
struct TokenRests {
  struct Entry {
    text::TokenId token;
    std::uint32_t head;
  };
  // A tree in the order of TokenTree; the first node is the root.
  struct Rest {
    std::uint32_t end;         // of the subtree
    std::uint32_t first_exit;  // tokens whose rest ends here; up to the next node's
    std::uint16_t depth;       // bytes of the rest
    unsigned char byte;
  };
  std::vector<Entry> exits;
  std::vector<Rest> rests;  // and one behind the last
  std::size_t max_depth = 0;
};

// Rests behind the ending quote; heads are characters of the string.
struct StringTokens : TokenRests {
  // Those that stay inside, by characters; the last one may be unfinished.
  std::vector<Entry> inside;

  // `sorted`: tokens with a quote or backslash, by their bytes. `any_spelling`: characters may be
  // spelled in every way of JSON's, not only in the one of Spelling::kJson.
  static StringTokens make(const std::vector<std::string>& tokens,
                           std::span<const text::TokenId> sorted, bool any_spelling);
};

// Tokens that may stand between the lexemes of JSON or begin one, by what follows the whitespace in
// front; heads are numbers of `spaces`.
struct SpacedTokens : TokenRests {
  std::vector<std::string_view> spaces;  // within `tokens`

  // `sorted`: all, by their bytes.
  static SpacedTokens make(const std::vector<std::string>& tokens,
                           std::span<const text::TokenId> sorted);
};

}  // namespace aquilon::constraint
