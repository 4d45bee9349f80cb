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

// What a tokenizer's file says beside its vocabulary.
struct TokenizerTraits {
  // A text is encoded with a space in front of it, and decoding takes that space away.
  bool space_in_front = false;
  TokenId bos = -1;       // begins every text; -1: the file does not say
  TokenId eos = -1;       // ends one
  bool adds_bos = false;  // the file says that `bos` begins every text that a model reads
  // Of Mistral's own tokenizer files, as they declare it ("v13"); empty: not one of them.
  std::string mistral_version;
  std::string mistral_settings;  // JSON: which settings prompts of that version may carry
  std::size_t left_out = 0;      // tokens of the file beyond the limit that it was read with
};

// Immutable after construction. Threads: every member is safe from any thread.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  virtual const TokenizerTraits& traits() const {
    static const TokenizerTraits none;
    return none;
  }

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

// Concatenated bytes of `ids`, without the space that encoding puts in front; control tokens (and
// kUnknown) are left out unless `with_control`.
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
  bool nfc = false;                 // texts are put into Unicode's normal form C before (Qwen)
  TokenizerTraits traits;
};

// Errors: kUnsupported names the pre-tokenizer and lists those that we have; kCorrupt names the bad
// entry (merge without its tokens, duplicate token, more than 2^31 - 1 tokens, token longer than 64
// KiB).
Result<std::unique_ptr<Tokenizer>> make_bpe_tokenizer(BpeSpec spec);

inline constexpr std::size_t kAllTokens = std::size_t(-1);

// Readers of tokenizer files. Errors: kCorrupt, kUnsupported by name.
//   json            Hugging Face's tokenizer.json: BPE, on bytes or with byte_fallback
//   tekken          Mistral's tekken.json
//   sentencepiece   SentencePiece's .model: BPE and unigram
//   file            any of them, by its content
// Tokens from the id `max_tokens` on are no part of the tokenizer: as if the file did not have them
// (TokenizerTraits::left_out counts them). Errors: kCorrupt also where BOS is one of those.
Result<std::unique_ptr<Tokenizer>> read_tokenizer_json(std::string_view json,
                                                       std::size_t max_tokens = kAllTokens);
Result<std::unique_ptr<Tokenizer>> read_tekken(std::string_view json,
                                               std::size_t max_tokens = kAllTokens);
Result<std::unique_ptr<Tokenizer>> read_sentencepiece(std::string_view bytes,
                                                      std::size_t max_tokens = kAllTokens);
Result<std::unique_ptr<Tokenizer>> read_tokenizer_file(std::string_view bytes,
                                                       std::size_t max_tokens = kAllTokens);

}  // namespace aquilon::text
