// The first symbols of piece-wise BPE: one a character, and each byte of invalid UTF-8. Characters
// that are no token but occur in tokens get ids behind the vocabulary's, so that they can be
// joined.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "text/utf8_internal.h"
#include "text/vocabulary.h"

namespace aquilon::text {

// The token of each byte; -1: none.
using ByteTokens = std::array<TokenId, 256>;

// 10 for "<0x0A>"; -1 for what is not written so.
int byte_of_token(std::string_view written);

ByteTokens byte_tokens(const Vocabulary& vocabulary);
ByteTokens no_byte_tokens();

class PieceSymbols {
 public:
  // Keeps a reference to the vocabulary.
  explicit PieceSymbols(const Vocabulary& vocabulary);

  bool is_token(TokenId symbol) const {
    return static_cast<std::size_t>(symbol) < vocabulary_->size();
  }

  // Bytes of `symbol` at the start of `text`, which begins with it.
  std::size_t bytes_of(TokenId symbol, std::string_view text) const {
    return is_token(symbol) ? vocabulary_->bytes(symbol).size() : character_length(text);
  }

  // f(symbol, bytes up to behind it) for each.
  template <class F>
  void split(std::string_view text, F&& f) const {
    for (std::size_t at = 0; at < text.size();) {
      const auto byte = static_cast<std::uint8_t>(text[at]);
      if (byte < 0x80) {
        f(ascii_[byte], ++at);
        continue;
      }
      const std::string_view character = text.substr(at, character_length(text.substr(at)));
      at += character.size();
      f(symbol_of(character), at);
    }
  }

 private:
  static std::size_t character_length(std::string_view text) {
    const Utf8Step step = utf8_step(text.data(), text.data() + text.size());
    return step.state == Utf8State::kComplete ? step.length : 1;
  }

  TokenId symbol_of(std::string_view character) const;
  void add_characters_of(std::string_view piece);

  const Vocabulary* vocabulary_;
  std::unordered_map<std::string, TokenId> extra_;  // usually empty
  std::array<TokenId, 128> ascii_;
  TokenId unknown_;
};

}  // namespace aquilon::text
