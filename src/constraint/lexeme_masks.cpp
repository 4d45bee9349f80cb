#include <algorithm>

#include "constraint/lexeme_masks_internal.h"
#include "constraint/mask_bits_internal.h"

namespace aquilon::constraint {

const LexemeMask& LexemeMasks::of(RegexId lexeme) {
  const auto [at, inserted] = masks_.try_emplace(lexeme);
  LexemeMask& mask = at->second;
  if (!inserted) return mask;
  if (!free_string(lexeme, mask) && !without_limit(lexeme, mask)) {
    if (json_ && has_free_member(lexeme)) {
      mask.base = vocabulary_.inside_strings(kUnbounded);
      walk(vocabulary_.crossing(), lexeme, {}, mask);
    } else {
      const KindTexts known = loops_.of(lexeme, false);
      if (known.kinds != 0) mask.base = mask_of(known);
      walk(vocabulary_.all(), lexeme, known, mask);
    }
    if (mask.tokens.size() > vocabulary_.mask_words()) {
      mask.own.assign(vocabulary_.mask_words(), 0);
      std::copy(mask.base.begin(), mask.base.end(), mask.own.begin());
      for (const TokenId token : mask.tokens) set_token(mask.own, vocabulary_, token);
      mask.tokens = {};
      mask.base = mask.own;
    }
    mask.tokens.shrink_to_fit();
  }
  bytes_ += 200 + mask.tokens.size() * sizeof(TokenId) +
            mask.exits.size() * sizeof(LexemeMask::Exit) + mask.own.size() * sizeof(MaskWord);
  return mask;
}

void LexemeMasks::clear() {
  masks_.clear();
  kind_masks_.clear();
  bytes_ = 0;
}

std::span<const MaskWord> LexemeMasks::mask_of(const KindTexts& texts) {
  const auto [at, inserted] = kind_masks_.try_emplace(texts);
  if (inserted) {
    at->second.resize(vocabulary_.mask_words());
    vocabulary_.classes().mask_of(texts, at->second);
    bytes_ += 100 + at->second.size() * sizeof(MaskWord);
  }
  return at->second;
}

// At the beginning of a character of a string that takes `min` to `max` of any.
bool LexemeMasks::free_string(RegexId lexeme, LexemeMask& out) {
  for (const bool any_spelling : {false, true}) {
    const auto repetition =
        store_.repetition_of(lexeme, any_spelling ? strings_.any : strings_.one);
    if (!repetition || repetition->tail != strings_.quote) continue;
    out.min = repetition->min;
    out.max = repetition->max;
    out.base = vocabulary_.inside_strings(out.max);
    out.string = &vocabulary_.string_tokens(any_spelling);
    if (out.max != kUnbounded)
      for (const Vocabulary::LongToken& token : vocabulary_.long_inside())
        if (token.characters <= out.max) out.tokens.push_back(token.token);
    for (const StringTokens::Entry& entry : out.string->inside) {
      if (entry.head > out.max) break;
      out.tokens.push_back(entry.token);
    }
    return true;
  }
  return false;
}

bool LexemeMasks::without_limit(RegexId lexeme, LexemeMask& out) {
  if (!json_) return false;
  const TokenTree& tree = vocabulary_.all();
  const auto other = store_.without_limit(lexeme, strings_.one, strings_.quote, tree.max_depth);
  if (!other) return false;
  const LexemeMask& mask = of(*other);
  // What may go on behind its end would be limited too.
  const bool ends = std::all_of(mask.exits.begin(), mask.exits.end(),
                                [](const LexemeMask::Exit& e) { return e.reached == kEmptyText; });
  if (!ends || mask.string != nullptr) return false;
  out.base = mask.base;
  out.tokens = mask.tokens;
  out.exits = mask.exits;
  out.tree = mask.tree;
  return true;
}

// Whether some way to read the lexeme takes any characters without end.
bool LexemeMasks::has_free_member(RegexId lexeme) const {
  const std::span<const RegexId> members = store_.members(lexeme);
  return std::any_of(members.begin(), members.end(), [&](RegexId member) {
    for (const RegexId character : {strings_.any, strings_.one})
      if (const auto repetition = store_.repetition_of(member, character))
        return repetition->max == kUnbounded;
    return false;
  });
}

void LexemeMasks::walk(const TokenTree& tree, RegexId lexeme, const KindTexts& known,
                       LexemeMask& out) {
  out.tree = &tree;
  if (path_.size() < tree.max_depth + 1) path_.resize(tree.max_depth + 1);
  path_[0] = lexeme;
  const ByteSet first = store_.first(lexeme);
  first.each([&](unsigned byte) {
    const std::uint32_t head = tree.heads[byte];
    if (head != TokenTree::kNoNode) walk_below(tree, head, tree.nodes[head].end, known, out);
  });
}

void LexemeMasks::walk_below(const TokenTree& tree, std::uint32_t begin, std::uint32_t end,
                             const KindTexts& known, LexemeMask& out) {
  const TokenTree::Node* const nodes = tree.nodes.data();
  const TokenClasses& classes = vocabulary_.classes();
  for (std::uint32_t i = begin; i < end;) {
    if (known.kinds != 0 && classes.all_below(i, known)) {
      i = nodes[i].end;
      continue;
    }
    const TokenTree::Node node = nodes[i];
    const RegexId next = store_.next(path_[node.depth - 1], node.byte);
    if (next == kNothing) {
      i = node.end;
    } else if (store_.nullable(next)) {
      out.exits.push_back({i, next});
      i = node.end;
    } else {
      if (node.token >= 0 && (known.kinds == 0 || !has_token(out.base, node.token)))
        out.tokens.push_back(node.token);
      path_[node.depth] = next;
      ++i;
    }
  }
}

}  // namespace aquilon::constraint
