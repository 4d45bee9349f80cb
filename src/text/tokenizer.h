// Tokenizer: text to ids and back. The interface that every tokenizer implements and that the
// engine, the chat formats and the commands see.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace aquilon::text {

using TokenId = std::int32_t;

// What a vocabulary entry is for (GGUF's numbering).
enum class TokenKind : std::uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,      // <|im_end|>: never matched in text from outside
  kUserDefined = 4,  // matched whole in any text
  kUnused = 5,
  kByte = 6,
};

// A half-open range of bytes of a text.
struct ByteRange {
  std::size_t begin;
  std::size_t end;
};

// Immutable after construction. Threads: every member is safe from any thread.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  virtual std::size_t vocab_size() const = 0;
  virtual TokenKind kind(TokenId id) const = 0;
  // The bytes that `id` adds to a decoded text; for control tokens their written form
  // ("<|im_end|>"). Empty for an id outside the vocabulary.
  virtual std::string_view token_bytes(TokenId id) const = 0;
  // The id whose written form is exactly `token`, of any kind; -1 when there is none.
  virtual TokenId find_token(std::string_view token) const = 0;

  // Ids of `text`. Control tokens (and kUnknown) are recognised only where their whole written form
  // lies within one of the `trusted` ranges (sorted, disjoint, adjacent ones already merged);
  // elsewhere their characters are plain text. Invalid UTF-8 is encoded byte by byte; bytes that
  // the vocabulary has no token for are left out. No BOS or EOS is added. Time about linear in the
  // size of `text`, stack constant.
  virtual std::vector<TokenId> encode(std::string_view text,
                                      std::span<const ByteRange> trusted) const = 0;

  // All of `text` untrusted / all of it trusted.
  std::vector<TokenId> encode(std::string_view text) const { return encode(text, {}); }
  std::vector<TokenId> encode_trusted(std::string_view text) const {
    const ByteRange all{0, text.size()};
    return encode(text, {&all, 1});
  }
};

// Concatenated bytes of `ids`; control tokens (and kUnknown) are left out unless `with_control`.
std::string decode(const Tokenizer& tokenizer, std::span<const TokenId> ids,
                   bool with_control = false);

// Turns a stream of token bytes into text that never splits a UTF-8 sequence: bytes of an
// unfinished sequence are held back; bytes that can never be part of one become U+FFFD.
class Utf8Stream {
 public:
  // Adds `bytes`; returns what is complete now.
  std::string push(std::string_view bytes);
  // The end: what was held back, as U+FFFD.
  std::string finish();

 private:
  std::string pending_;  // at most 3 bytes
};

// Everything a byte-level BPE tokenizer is made of, as model files store it.
struct BpeSpec {
  std::vector<std::string>
      tokens;                    // written form, byte-level alphabet (Ġ for space) for normal ones
  std::vector<TokenKind> kinds;  // one a token
  std::vector<std::string> merges;  // "left right", best first
  std::string pre;                  // GGUF's name of the pre-tokenizer (text/pretokenizer.h)
  bool ignore_merges = false;       // a whole piece that is a token is taken as it is (llama-bpe)
};

// Errors: kUnsupported names the pre-tokenizer and lists those that we have; kCorrupt names the bad
// entry (merge without its tokens, duplicate token, more than 2^31 - 1 tokens, token longer than 64
// KiB).
Result<std::unique_ptr<Tokenizer>> make_bpe_tokenizer(BpeSpec spec);

// Reads a Hugging Face tokenizer.json (byte-level BPE). Errors: kCorrupt, kUnsupported by name.
Result<std::unique_ptr<Tokenizer>> read_tokenizer_json(std::string_view json);

}  // namespace aquilon::text
