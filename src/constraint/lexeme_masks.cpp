#include <algorithm>

#include "constraint/lexeme_masks_internal.h"
#include "constraint/mask_bits_internal.h"

namespace aquilon::constraint {

const LexemeMask& LexemeMasks::of(RegexId lexeme) {
  const auto [at, inserted] = masks_.try_emplace(lexeme);
  LexemeMask& mask = at->second;
  if (!inserted) return mask;
  if (!free_string(lexeme, mask)) {
    if (json_ && has_free_member(lexeme)) {
      mask.base = vocabulary_.inside_strings(kUnbounded);
      walk(vocabulary_.crossing(), lexeme, 0, mask);
    } else {
      const ByteKinds known = loops(lexeme);
      if (known != 0) {
        mask.own.resize(vocabulary_.mask_words());
        vocabulary_.classes().mask_of(known, mask.own);
        mask.base = mask.own;
      }
      walk(vocabulary_.all(), lexeme, known, mask);
    }
    if (mask.tokens.size() > vocabulary_.mask_words()) {
      if (mask.own.empty()) {
        mask.own.assign(vocabulary_.mask_words(), 0);
        std::copy(mask.base.begin(), mask.base.end(), mask.own.begin());
      }
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
  bytes_ = 0;
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
      if (entry.characters > out.max) break;
      out.tokens.push_back(entry.token);
    }
    return true;
  }
  return false;
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

ByteKinds LexemeMasks::loops(RegexId lexeme) {
  // Of few kinds there are few tokens. Where the lexeme may end, tokens lead out of it as well.
  constexpr int kFew = 3;
  if (store_.nullable(lexeme)) return 0;
  if (store_.next(lexeme, 'e') != lexeme && store_.next(lexeme, 'E') != lexeme) return 0;
  ByteKinds kinds = (1u << kAsciiKinds) - 1;
  for (unsigned char byte = 0; byte < 0x80; ++byte)
    if (store_.next(lexeme, byte) != lexeme) kinds &= ~(1u << ascii_kind(byte));
  if (__builtin_popcount(kinds) < kFew || store_.exhausted()) return 0;
  return loops_beyond_ascii(lexeme) ? kinds | kOtherCharacters : kinds;
}

bool LexemeMasks::loops_beyond_ascii(RegexId lexeme) {
  if (other_characters_ == kNothing) {
    CodePoints spaces;
    for (const CodePointSpan& span : other_spaces()) spaces.add(span.low, span.high);
    spaces.add(0, 0x7F);
    spaces.normalise();
    other_characters_ = any_character(store_, spaces.complement(), Spelling::kPlain);
  }
  // Pairs of what is left of a character and what the lexeme is then.
  std::vector<std::pair<RegexId, RegexId>> pairs{{other_characters_, lexeme}};
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    bool loops = true;
    store_.first(pairs[i].first).each([&](unsigned value) {
      if (!loops) return;
      const auto byte = static_cast<unsigned char>(value);
      const std::pair<RegexId, RegexId> next{store_.next(pairs[i].first, byte),
                                             store_.next(pairs[i].second, byte)};
      if (next.first == kEmptyText)
        loops = next.second == lexeme;
      else if (next.first != kNothing && (next.second == kNothing || store_.nullable(next.second)))
        loops = false;
      else if (std::find(pairs.begin(), pairs.end(), next) == pairs.end())
        pairs.push_back(next);
    });
    if (!loops || store_.exhausted()) return false;
  }
  return true;
}

void LexemeMasks::walk(const TokenTree& tree, RegexId lexeme, ByteKinds known, LexemeMask& out) {
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
                             ByteKinds known, LexemeMask& out) {
  const TokenTree::Node* const nodes = tree.nodes.data();
  const ByteKinds* const below = known == 0 ? nullptr : vocabulary_.classes().below().data();
  for (std::uint32_t i = begin; i < end;) {
    if (below != nullptr && (below[i] & ~known) == 0) {
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
      if (node.token >= 0) out.tokens.push_back(node.token);
      path_[node.depth] = next;
      ++i;
    }
  }
}

}  // namespace aquilon::constraint
