// The tokens with a role of their own: beginning of a text, end of a turn.
#pragma once

#include <vector>

#include "base/result.h"
#include "formats/gguf.h"
#include "text/tokenizer.h"

namespace aquilon::model {

struct SpecialTokens {
  text::TokenId bos = -1;  // -1: the model has none
  text::TokenId eos = -1;
  bool add_bos = false;  // a text starts with bos
  std::vector<text::TokenId>
      ends;  // every id that ends a turn, sorted: eos, eot, eom and their kind

  bool is_end(text::TokenId id) const;
};

// Reads the roles from a file's metadata. Control tokens whose written form is a known end of a
// turn
// ("<|im_end|>", "<|eot_id|>", ...) end one even where the metadata names only another.
// What no key says, the tokenizer's own file may (text::TokenizerTraits). Errors: kCorrupt names an
// id that is outside the vocabulary.
Result<SpecialTokens> read_special_tokens(const formats::GgufFile& file,
                                          const text::Tokenizer& tokenizer);

}  // namespace aquilon::model
