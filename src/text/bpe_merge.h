// Byte pair encoding of one piece: the pair of neighbours with the best (lowest) rank is joined,
// the leftmost first among equals, until no pair has a rule.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "text/tokenizer.h"  // TokenId

namespace aquilon::text {

// Merge rules by pair of ids: open addressing, 16 bytes a slot, at most 75 % full. Immutable after
// the insertions; then threads may read.
class MergeTable {
 public:
  static constexpr std::uint32_t kNoRule = 0xFFFFFFFFu;

  struct Rule {
    std::uint32_t rank = kNoRule;
    TokenId joined = -1;
  };

  explicit MergeTable(std::size_t rules);

  // A pair that is there already keeps its first rule.
  void insert(TokenId left, TokenId right, Rule rule);
  Rule find(TokenId left, TokenId right) const;
  // Asks for the pair's slot ahead of insert or find.
  void prefetch(TokenId left, TokenId right) const;

 private:
  struct Slot {
    std::uint64_t pair = kEmpty;
    Rule rule;
  };
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};

  static std::uint64_t pair_of(TokenId left, TokenId right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 |
           static_cast<std::uint32_t>(right);
  }

  std::vector<Slot> slots_;
  std::uint64_t mask_;
  std::uint64_t seed_;
};

// Memory that merging reuses from piece to piece. One a thread.
class MergeScratch {
 public:
  // The ids that `symbols` (first ids, one a byte) become, valid until the next call. Short pieces
  // are joined by scanning, n^2 cheap steps; long ones with a heap, n log n. n < 2^31.
  std::span<const TokenId> merge(std::span<const TokenId> symbols, const MergeTable& table);

 private:
  struct Node {
    TokenId id;
    std::uint32_t previous;
    std::uint32_t next;
    std::uint32_t rank;  // of the pair (this, next)
    TokenId joined;      // what that pair becomes
  };

  std::span<const TokenId> merge_short(std::span<const TokenId> symbols, const MergeTable& table);
  std::span<const TokenId> merge_long(std::span<const TokenId> symbols, const MergeTable& table);
  void update_pair(std::uint32_t left, const MergeTable& table);

  std::vector<TokenId> ids_;
  std::vector<Node> nodes_;
  std::vector<std::uint64_t> heap_;  // rank << 32 | node, smallest first
};

}  // namespace aquilon::text
