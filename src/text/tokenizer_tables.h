// A tokenizer as GGUF's keys hold it, read from the files of other formats.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"

namespace aquilon::text {

struct TokenizerTables {
  bool is_byte_level = true;  // tokenizer.ggml.model "gpt2"; else pieces, "llama"
  std::string pre;            // the pre-tokenizer's name; of byte-level ones
  std::vector<std::string> tokens;
  std::vector<TokenKind> kinds;     // one a token
  std::vector<std::string> merges;  // "left right", best first; of byte-level ones
  std::vector<float> scores;        // one a token; of pieces
  TokenId unknown = -1;
  bool space_in_front = false;
};

// What make_tokenizer reads back as the same tokenizer; but for Unicode's normal form C, which GGUF
// has no key for. Errors: those of read_tokenizer_file; kUnsupported for unigram models and for
// normalisation that has no key.
Result<TokenizerTables> read_tokenizer_tables(std::string_view bytes,
                                              std::size_t max_tokens = kAllTokens);

}  // namespace aquilon::text
