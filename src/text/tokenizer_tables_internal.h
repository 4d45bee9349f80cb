// Parts of reading tokenizer files that give tables instead of a tokenizer.
#pragma once

#include <string_view>
#include <variant>

#include "base/result.h"
#include "text/piece_tokenizer.h"
#include "text/tokenizer_tables.h"

namespace aquilon::text {

// The formats of tokenizer files.
enum class TokenizerFormat { kJson, kTekken, kSentencePiece };
// By the content. Errors: kUnsupported.
Result<TokenizerFormat> format_of_tokenizer(std::string_view bytes);

Result<std::variant<BpeSpec, PieceSpec>> read_json_spec(std::string_view json,
                                                        std::size_t max_tokens);
Result<PieceSpec> read_sentencepiece_spec(std::string_view bytes, std::size_t max_tokens);
Result<TokenizerTables> read_tekken_tables(std::string_view json, std::size_t max_tokens);

}  // namespace aquilon::text
