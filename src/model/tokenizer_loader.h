// The tokenizer of a model file, or of a file of its own.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "formats/gguf.h"
#include "text/tokenizer.h"

namespace aquilon::model {

// Reads tokenizer.ggml.model, pre, tokens, token_type, merges, scores, add_space_prefix and
// unknown_token_id. A file without `pre` gets the
// pre-tokenizer "default", one without `token_type` only normal tokens, as in llama.cpp; tokens
// that end a turn or mark fill-in-the-middle by their written form are control tokens whatever the
// file calls them, user-defined ones are matched before all else, as there. The tokenizer keeps no
// view of the file. Errors: kUnsupported names the tokenizer model or pre-tokenizer; kCorrupt names
// key, token or merge.
Result<std::unique_ptr<text::Tokenizer>> make_tokenizer(const formats::GgufFile& file);

// The tokenizer file beside a folder's weights, of several Mistral's own; empty where the model's
// keys hold the tokenizer.
std::string companion_tokenizer(const formats::GgufFile& file);

// Whether a model has a tokenizer, of either sort.
bool has_tokenizer(const formats::GgufFile& file);

// The tokenizer of an open model: its companion's, or that of its keys. A companion with a few more
// tokens than the embeddings have rows (Gemma 3 has one for images) is read without those; with
// more than 256 or 1 % it is the tokenizer of another model. Errors: of either; kCorrupt.
Result<std::unique_ptr<text::Tokenizer>> model_tokenizer(const formats::GgufFile& file);

// Whether the file begins as GGUF files do; false if it cannot be read.
bool is_gguf(const std::string& path);

// The tokenizer of a GGUF file, tokenizer.json, tekken.json or SentencePiece model, told by its
// content; `max_tokens` as there (text/tokenizer.h), except for GGUF. Errors: those of the readers,
// with the path; kNotFound, kUnavailable.
Result<std::unique_ptr<text::Tokenizer>> open_tokenizer(const std::string& path,
                                                        std::size_t max_tokens = text::kAllTokens);

}  // namespace aquilon::model
