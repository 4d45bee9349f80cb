// Pre-tokenizers: how a text is cut into pieces before byte-level BPE, each piece encoded on its
// own. Published models give a regular expression; here each is a scanner that reads the text once,
// so that no input makes it slow and none needs stack.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "text/unicode_class.h"

namespace aquilon::text {

// The patterns, in the notation of the regular expressions that define them.
enum class PreTokenizer {
  // 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
  kGpt2,
  // Every \p{N} a piece of its own; between them as kGpt2.
  kSmollm,
  // (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|
  // ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+
  //   |\s+(?!\S)|\s+
  kQwen2,
  // The same with \p{N}{1,3}.
  kLlamaBpe,
  // Qwen 3.5: as kQwen2 with [\p{L}\p{M}]+ for \p{L}+ and [^\s\p{L}\p{M}\p{N}] for [^\s\p{L}\p{N}].
  kQwen35,
  // Mistral's, with H = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}] and T = [\p{Ll}\p{Lm}\p{Lo}\p{M}]:
  // [^\r\n\p{L}\p{N}]?H*T+|[^\r\n\p{L}\p{N}]?H+T*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+
  //   |\s+(?!\S)|\s+
  kTekken,
  // The same with (?i:'s|'t|'re|'ve|'m|'ll|'d)? behind H*T+ and H+T*, and \p{N}{1,3}.
  kLlama4,
  // What llama.cpp does for a file that names none: runs of [\p{P}$+<=>^~|] apart, kGpt2 between
  // them, then \p{N}+ apart, then of those every three ASCII digits.
  kDefault,
};

// By the name in GGUF's tokenizer.ggml.pre or one of its aliases; empty means "default", as in
// llama.cpp. Errors: kUnsupported, listing the names we know.
Result<PreTokenizer> find_pre_tokenizer(std::string_view name);

// Whether a whole piece that is a token is taken as it is, whatever the merges say (llama-bpe,
// tekken).
bool ignores_merges(PreTokenizer pre);

// End of the piece that begins at p, p < end: greater than p. Any bytes are allowed; each byte that
// is not part of valid UTF-8 counts as a character of class kOther.
const char* piece_end(PreTokenizer pre, const char* p, const char* end);

}  // namespace aquilon::text
