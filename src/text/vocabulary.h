// A vocabulary: the bytes and kind of each token, and the way back from bytes or written form to
// id.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"  // TokenId, TokenKind

namespace aquilon::text {

inline constexpr std::size_t kMaxTokenBytes = 64 * 1024;

// Control tokens and unknown-token marks: never made from untrusted text.
inline bool is_control(TokenKind kind) {
  return kind == TokenKind::kControl || kind == TokenKind::kUnknown;
}

// Immutable after construction; threads may share it. At most 48 bytes a token beside the texts.
class Vocabulary {
 public:
  // Tokens in the byte-level alphabet. A token of kind kNormal, kUnused or kByte with a character
  // outside the alphabet, and every token of the other kinds, stands for its own UTF-8 bytes. Empty
  // tokens are holes: never found. Errors: kCorrupt names the token.
  static Result<Vocabulary> make(const std::vector<std::string>& tokens,
                                 std::vector<TokenKind> kinds);

  std::size_t size() const { return kinds_.size(); }
  TokenKind kind(TokenId id) const { return in_range(id) ? kinds_[index(id)] : TokenKind::kUnused; }
  std::string_view bytes(TokenId id) const;
  // Whether it stands for its own UTF-8 bytes.
  bool is_plain(TokenId id) const;

  // The token of kind kNormal, kUnused or kByte, written in the alphabet, that stands for `bytes`;
  // -1.
  TokenId find_bytes(std::string_view bytes) const { return find(bytes, hash(bytes), false); }
  // The token of any kind with this written form; -1.
  TokenId find_written(std::string_view written) const;

  // find_bytes in two steps: what prefetch gives for the same bytes is `hash`.
  std::uint64_t prefetch(std::string_view bytes) const;
  TokenId find_bytes(std::string_view bytes, std::uint64_t hash) const {
    return find(bytes, hash, false);
  }

 private:
  // All that a look-up needs but the text itself: 16 bytes.
  struct Slot {
    std::uint32_t tag = 0;  // upper half of the hash
    TokenId id = -1;
    std::uint32_t offset = 0;  // in text_
    std::uint32_t length : 31 = 0;
    std::uint32_t plain : 1 = 0;  // stands for its own UTF-8 bytes
  };

  explicit Vocabulary(std::vector<TokenKind> kinds);
  static std::size_t index(TokenId id) { return static_cast<std::size_t>(id); }
  bool in_range(TokenId id) const { return id >= 0 && index(id) < kinds_.size(); }
  void append(TokenId id, const std::string& written);
  Status enter_all();
  Status enter(TokenId id, std::uint64_t hash, bool plain);
  Status check_plain_unique() const;
  std::uint64_t hash(std::string_view bytes) const;
  TokenId find(std::string_view bytes, std::uint64_t hash, bool plain) const;
  bool matches(const Slot& slot, std::uint32_t tag, std::string_view bytes, bool plain) const;

  std::vector<TokenKind> kinds_;
  std::vector<TokenId> plain_;          // ids of the plain tokens, ascending
  std::string text_;                    // bytes of all tokens, one behind the other
  std::vector<std::uint32_t> offsets_;  // of each in text_, and the end
  std::vector<Slot> slots_;             // open addressing, at most 75 % full
  std::uint64_t mask_ = 0;
  std::uint64_t seed_ = 0;
};

}  // namespace aquilon::text
