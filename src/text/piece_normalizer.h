// What SentencePiece does to a text before it is cut: the compiled normalisation of its model file,
// and spaces. Pieces and texts are compared with a space for "▁", so that here is nothing to
// escape.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace aquilon::text {

// A map from beginnings of texts to what they become, the longest first: a double-array trie over
// the keys and a pool of texts ended by NUL (SentencePiece's precompiled_charsmap, Darts-clone
// format). Any bytes are safe: every step is checked.
class Charsmap {
 public:
  // Empty `blob`: maps nothing. Errors: kCorrupt.
  static Result<Charsmap> parse(std::string_view blob);

  bool empty() const { return units_.empty(); }

  // Bytes of the longest key that `text` begins with, and what it becomes; 0 if there is none.
  std::size_t match(std::string_view text, std::string_view& becomes) const {
    return find(text, false, becomes);
  }
  // The same with the shortest key, which is the one that PyPI's tokenizers take.
  std::size_t match_shortest(std::string_view text, std::string_view& becomes) const {
    return find(text, true, becomes);
  }

 private:
  std::size_t find(std::string_view text, bool shortest, std::string_view& becomes) const;

  std::vector<std::uint32_t> units_;
  std::string pool_;
};

class PieceNormalizer {
 public:
  PieceNormalizer(Charsmap charsmap, bool remove_extra_spaces)
      : charsmap_(std::move(charsmap)), remove_extra_spaces_(remove_extra_spaces) {}

  // Appends the normal form of `text`, with `space_in_front` of it where anything is left of it.
  // Bytes of invalid UTF-8 stay as they are.
  void append(std::string_view text, bool space_in_front, std::string& out) const;

 private:
  void append_mapped(std::string_view text, std::string& out) const;

  Charsmap charsmap_;
  bool remove_extra_spaces_;
};

// Appends `text` with a space for every "▁" (U+2581).
void append_with_spaces(std::string_view text, std::string& out);

}  // namespace aquilon::text
