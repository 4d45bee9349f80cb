// What the tokens with a quote or backslash do within a JSON string whose characters are free: stay
// inside it, or end it and go on. Made once for a vocabulary; the same for every such string.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace aquilon::constraint {

struct StringTokens {
  struct Entry {
    text::TokenId token;
    std::uint32_t characters;  // of the string; the last one of a token inside may be unfinished
  };
  // Texts after the ending quote, as a tree in the order of TokenTree; the first node is the root.
  struct Rest {
    std::uint32_t end;         // of the subtree
    std::uint32_t first_exit;  // tokens whose rest ends here; up to the next node's
    std::uint16_t depth;       // bytes after the quote
    unsigned char byte;
  };
  std::vector<Entry> inside;  // by characters
  std::vector<Entry> exits;
  std::vector<Rest> rests;  // and one behind the last
  std::size_t max_depth = 0;

  // `sorted`: tokens with a quote or backslash, by their bytes. `any_spelling`: characters may be
  // spelled in every way of JSON's, not only in the one of Spelling::kJson.
  static StringTokens make(const std::vector<std::string>& tokens,
                           std::span<const text::TokenId> sorted, bool any_spelling);
};

}  // namespace aquilon::constraint
