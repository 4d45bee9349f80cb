// The byte-level BPE tokenizer from its parts, for the readers that make them in different ways.
#pragma once

#include <memory>

#include "text/bpe_merge.h"
#include "text/pretokenizer.h"
#include "text/special_tokens.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

namespace aquilon::text {

struct BpeParts {
  Vocabulary vocabulary;
  MergeTable merges;
  PreTokenizer pre;
  bool ignore_merges = false;
  bool nfc = false;
  TokenizerTraits traits = {};
};

std::unique_ptr<Tokenizer> make_bpe_tokenizer(BpeParts parts);

// The tokens of a vocabulary that are matched whole: control tokens in trusted text, user-defined
// ones in any.
SpecialTokens collect_specials(const Vocabulary& vocabulary, bool control, bool user_defined);

}  // namespace aquilon::text
