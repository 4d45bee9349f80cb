#include <string>

#include "text/piece_symbols_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

int byte_of_token(std::string_view written) {
  if (written.size() != 6 || !written.starts_with("<0x") || written[5] != '>') return -1;
  const int high = hex_digit(written[3]);
  const int low = hex_digit(written[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

ByteTokens no_byte_tokens() {
  ByteTokens tokens;
  tokens.fill(-1);
  return tokens;
}

ByteTokens byte_tokens(const Vocabulary& vocabulary) {
  ByteTokens tokens = no_byte_tokens();
  for (std::size_t i = vocabulary.size(); i-- > 0;) {
    const auto id = static_cast<TokenId>(i);
    if (vocabulary.kind(id) != TokenKind::kByte) continue;
    tokens[static_cast<std::uint8_t>(vocabulary.bytes(id).front())] = id;
  }
  return tokens;
}

PieceSymbols::PieceSymbols(const Vocabulary& vocabulary)
    : vocabulary_(&vocabulary), unknown_(static_cast<TokenId>(vocabulary.size())) {
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const TokenKind kind = vocabulary.kind(id);
    if (kind != TokenKind::kNormal && kind != TokenKind::kUnused) continue;
    add_characters_of(vocabulary.bytes(id));
  }
  unknown_ = static_cast<TokenId>(vocabulary.size() + extra_.size());
  for (std::size_t c = 0; c < ascii_.size(); ++c) {
    const char character = static_cast<char>(c);
    ascii_[c] = symbol_of({&character, 1});
  }
}

void PieceSymbols::add_characters_of(std::string_view piece) {
  for (std::size_t at = 0; at < piece.size();) {
    const std::string_view character = piece.substr(at, character_length(piece.substr(at)));
    at += character.size();
    if (character.size() == piece.size() || vocabulary_->find_bytes(character) >= 0) continue;
    const std::size_t id = vocabulary_->size() + extra_.size();
    extra_.try_emplace(std::string(character), static_cast<TokenId>(id));
  }
}

TokenId PieceSymbols::symbol_of(std::string_view character) const {
  if (const TokenId id = vocabulary_->find_bytes(character); id >= 0) return id;
  if (extra_.empty()) return unknown_;
  const auto found = extra_.find(std::string(character));
  return found == extra_.end() ? unknown_ : found->second;
}

}  // namespace aquilon::text
