// The tokenizer of a GGUF file.
#pragma once

#include <memory>

#include "base/result.h"
#include "formats/gguf.h"
#include "text/tokenizer.h"

namespace aquilon::model {

// Reads tokenizer.ggml.model, pre, tokens, token_type, merges, scores, add_space_prefix and
// unknown_token_id. A file without `pre` gets the
// pre-tokenizer "default", one without `token_type` only normal tokens, as in llama.cpp; tokens
// that end a turn or mark fill-in-the-middle by their written form are control tokens whatever the
// file calls them, as there. The tokenizer keeps no view of the file. Errors: kUnsupported names
// the tokenizer model or pre-tokenizer; kCorrupt names key, token or merge.
Result<std::unique_ptr<text::Tokenizer>> make_tokenizer(const formats::GgufFile& file);

}  // namespace aquilon::model
