// Where a text may be cut before BPE without changing what comes out: pieces hardly ever go over
// the beginning of a word.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "text/vocabulary.h"

namespace aquilon::text {

class WordCutter {
 public:
  // A text is cut before a space that follows another character, unless a token of the vocabulary
  // holds a space behind that character's last byte. `before_spaces`: before every space.
  // `at_newlines`: runs of line feeds are apart as well.
  WordCutter(const Vocabulary& vocabulary, bool before_spaces, bool at_newlines)
      : before_spaces_(before_spaces), at_newlines_(at_newlines) {
    for (std::size_t i = 0; i < vocabulary.size(); ++i) {
      const auto id = static_cast<TokenId>(i);
      const TokenKind kind = vocabulary.kind(id);
      if (kind == TokenKind::kNormal || kind == TokenKind::kUnused) learn(vocabulary.bytes(id));
    }
  }

  // Bytes of the first word; `text` is not empty.
  std::size_t word_end(std::string_view text) const {
    if (!at_newlines_) return end_before_space(text);
    const std::size_t end = text.front() == '\n' ? text.find_first_not_of('\n') : text.find('\n');
    return end_before_space(text.substr(0, end));
  }

 private:
  void learn(std::string_view piece) {
    for (std::size_t at = piece.find(' ', 1); at < piece.size(); at = piece.find(' ', at + 1)) {
      if (piece[at - 1] != ' ') joins_[static_cast<std::uint8_t>(piece[at - 1])] = true;
    }
  }

  std::size_t end_before_space(std::string_view text) const {
    if (before_spaces_) return std::min(text.find(' ', 1), text.size());
    for (std::size_t at = text.find(' ', 1); at < text.size(); at = text.find(' ', at + 1)) {
      if (text[at - 1] != ' ' && !joins_[static_cast<std::uint8_t>(text[at - 1])]) return at;
    }
    return text.size();
  }

  std::array<bool, 256> joins_{};  // last bytes of characters that a token has a space behind
  bool before_spaces_;
  bool at_newlines_;
};

}  // namespace aquilon::text
