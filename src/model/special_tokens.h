// The tokens with a role of their own: beginning of a text, end of a turn.
#pragma once

#include <vector>

#include "base/result.h"
#include "formats/gguf.h"
#include "text/tokenizer.h"

namespace aquilon::model {

// Around the texts before and behind what is to be filled in: prefix, before, suffix, behind,
// middle, and the answer follows. -1: the vocabulary has none.
struct FillInTokens {
  text::TokenId prefix = -1;
  text::TokenId suffix = -1;
  text::TokenId middle = -1;

  bool complete() const { return prefix >= 0 && suffix >= 0 && middle >= 0; }
};

struct SpecialTokens {
  text::TokenId bos = -1;  // -1: the model has none
  text::TokenId eos = -1;
  bool add_bos = false;  // a text starts with bos
  bool add_eos = false;  // a whole text ends with eos
  std::vector<text::TokenId>
      ends;  // every id that ends a turn, sorted: eos, eot, eom and their kind

  FillInTokens fill_in;

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
