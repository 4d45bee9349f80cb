// Merge rules of a vocabulary that ranks its tokens instead of listing merges: two neighbours are
// joined whenever their bytes together are a token, the best rank first (SentencePiece's BPE by
// score, tiktoken by id).
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "text/bpe_merge.h"
#include "text/vocabulary.h"

namespace aquilon::text {

// Joining by bytes needs a look-up of text for each pair; pairs of ids are faster. A token's last
// join is nearly always the same one: what the better rules leave of its symbols are two, since
// nothing that happens inside the token depends on what stands around it. Where they leave more,
// every way of cutting the token in two becomes a rule, which is the definition.
class RankedMerges {
 public:
  static constexpr std::size_t kMaxBytes = 512;  // of a token; bounds the cost of cutting it

  struct Symbol {
    TokenId id;
    std::uint32_t end;  // bytes of the token up to behind this symbol
  };
  // The first symbols of a token's bytes.
  using Split = std::function<void(std::string_view bytes, std::vector<Symbol>& symbols)>;

  RankedMerges(const Vocabulary& vocabulary, Split split, std::size_t tokens);

  // A rule: two neighbours that are joined.
  struct Entry {
    TokenId left, right;
    MergeTable::Rule rule;
  };

  // In ascending order of rank. Tokens longer than kMaxBytes get no rule.
  void add(TokenId token, std::uint32_t rank);
  MergeTable finish();
  // All rules, in ascending order of rank.
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  void add_every_cut(TokenId token, std::uint32_t rank);
  bool may_join(TokenId id) const;
  void pend(TokenId left, TokenId right, MergeTable::Rule rule);
  void enter_pending();

  const Vocabulary& vocabulary_;
  Split split_;
  MergeTable table_;
  std::size_t capacity_;
  std::vector<Entry> entries_;  // all; those from pending_ on are not in the table yet
  std::size_t pending_ = 0;     // a rule counts only for tokens of a worse rank
  std::uint32_t rank_ = 0;
  MergeScratch scratch_;
  std::vector<Symbol> symbols_;
  std::vector<TokenId> ids_;
};

}  // namespace aquilon::text
