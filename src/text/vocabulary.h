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

// How a file writes the tokens that text is made of (kNormal, kUnused, kByte).
enum class TokenForm : std::uint8_t {
  kAlphabet,  // in the byte-level alphabet (text/byte_alphabet.h); with a character outside it, as
              // is
  kBytes,     // as the bytes that they stand for
};

// Immutable after construction; threads may share it. At most 48 bytes a token beside the texts.
class Vocabulary {
 public:
  // kAlphabet: a token of kind kNormal, kUnused or kByte with a character outside the alphabet, and
  // every token of the other kinds, stands for its own UTF-8 bytes ("plain"). kBytes: control and
  // unknown tokens are plain, so that text never finds them; user-defined ones are found by their
  // bytes; tokens of kind kByte are found by nothing, since a token of another kind may stand for
  // the same byte. Empty tokens are holes: never found. Errors: kCorrupt names the token.
  static Result<Vocabulary> make(const std::vector<std::string>& tokens,
                                 std::vector<TokenKind> kinds,
                                 TokenForm form = TokenForm::kAlphabet);

  std::size_t size() const { return kinds_.size(); }
  TokenKind kind(TokenId id) const { return in_range(id) ? kinds_[index(id)] : TokenKind::kUnused; }
  std::string_view bytes(TokenId id) const;
  // Whether it is not written in the form of the others.
  bool is_plain(TokenId id) const;

  // The token that is not plain and stands for `bytes`; -1.
  TokenId find_bytes(std::string_view bytes) const { return find(bytes, hash(bytes), false); }
  // The token with this written form (kBytes: with these bytes), of any kind that is found; -1.
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

  Vocabulary(std::vector<TokenKind> kinds, TokenForm form);
  static std::size_t index(TokenId id) { return static_cast<std::size_t>(id); }
  bool in_range(TokenId id) const { return id >= 0 && index(id) < kinds_.size(); }
  void append(TokenId id, const std::string& written);
  bool stands_for_itself(TokenKind kind, const std::string& written);
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
  TokenForm form_;
};

}  // namespace aquilon::text
