// What a lexeme makes of a vocabulary, whatever stands around it: the tokens after which it goes
// on, and the places where it may end. Kept by lexeme, so that configurations share it.
#pragma once

#include <map>
#include <span>
#include <unordered_map>
#include <vector>

#include "constraint/code_points_internal.h"
#include "constraint/lexeme_loops_internal.h"
#include "constraint/regex_store_internal.h"
#include "constraint/string_tokens_internal.h"
#include "constraint/token_classes_internal.h"
#include "constraint/vocabulary.h"

namespace aquilon::constraint {

struct LexemeMask {
  struct Exit {
    std::uint32_t node;  // of `tree`: the lexeme may end after its byte
    RegexId reached;
  };
  // Tokens after which the lexeme goes on: those of `base` (empty: none) and `tokens`.
  std::span<const MaskWord> base;
  std::vector<TokenId> tokens;
  std::vector<Exit> exits;
  const TokenTree* tree = nullptr;
  // Strings of free characters: `string` instead of exits, those of `min` to `max` characters.
  const StringTokens* string = nullptr;
  std::uint32_t min = 0, max = 0;
  std::vector<MaskWord> own;  // what `base` points at where it is no part of the vocabulary
};

// Not thread-safe. `store` and `vocabulary` outlive it.
class LexemeMasks {
 public:
  // `json`: strings of the grammar end by a quote alone.
  LexemeMasks(RegexStore& store, const JsonStrings& strings, const Vocabulary& vocabulary,
              bool json)
      : store_(store), strings_(strings), vocabulary_(vocabulary), json_(json), loops_(store) {}

  // Valid until clear().
  const LexemeMask& of(RegexId lexeme);
  // Texts after which the contents of a name go on, and the mask of the tokens among them.
  KindTexts name_loop(RegexId contents) { return loops_.of(contents, true); }
  std::span<const MaskWord> mask_of(const KindTexts& texts);
  std::size_t memory_bytes() const { return bytes_ + loops_.memory_bytes(); }
  void clear();

 private:
  bool free_string(RegexId lexeme, LexemeMask& out);
  // A limit of length that no token can reach makes no difference.
  bool without_limit(RegexId lexeme, LexemeMask& out);
  bool has_free_member(RegexId lexeme) const;
  // `known`: tokens that are such texts are passed over.
  void walk(const TokenTree& tree, RegexId lexeme, const KindTexts& known, LexemeMask& out);
  void walk_below(const TokenTree& tree, std::uint32_t begin, std::uint32_t end,
                  const KindTexts& known, LexemeMask& out);

  RegexStore& store_;
  const JsonStrings& strings_;
  const Vocabulary& vocabulary_;
  bool json_;
  std::unordered_map<RegexId, LexemeMask> masks_;
  std::size_t bytes_ = 0;
  std::vector<RegexId> path_;
  LexemeLoops loops_;
  std::map<KindTexts, std::vector<MaskWord>> kind_masks_;
};

}  // namespace aquilon::constraint
