#include "text/ranked_merges.h"

#include <algorithm>

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {

RankedMerges::RankedMerges(const Vocabulary& vocabulary, Split split, std::size_t tokens)
    : vocabulary_(vocabulary),
      split_(std::move(split)),
      table_(tokens),
      capacity_(std::max<std::size_t>(tokens, 1)) {
  entries_.reserve(tokens);
}

void RankedMerges::add(TokenId token, std::uint32_t rank) {
  const std::string_view bytes = vocabulary_.bytes(token);
  if (bytes.size() > kMaxBytes) return;
  if (rank != rank_) enter_pending();
  rank_ = rank;
  symbols_.clear();
  split_(bytes, symbols_);
  if (symbols_.size() < 2) return;
  ids_.clear();
  for (const Symbol& symbol : symbols_) ids_.push_back(symbol.id);
  const std::span<const TokenId> parts = scratch_.merge(ids_, table_);
  if (parts.size() == 2) {
    pend(parts[0], parts[1], {rank, token});
  } else {
    add_every_cut(token, rank);
  }
}

void RankedMerges::add_every_cut(TokenId token, std::uint32_t rank) {
  const std::string_view bytes = vocabulary_.bytes(token);
  for (std::size_t i = 0; i + 1 < symbols_.size(); ++i) {
    const std::size_t cut = symbols_[i].end;
    const TokenId left = i == 0 ? symbols_[0].id : vocabulary_.find_bytes(bytes.substr(0, cut));
    if (left < 0) continue;
    const TokenId right =
        i + 2 == symbols_.size() ? symbols_.back().id : vocabulary_.find_bytes(bytes.substr(cut));
    if (right >= 0) pend(left, right, {rank, token});
  }
}

// User-defined tokens are matched before merging, and stay as they are.
bool RankedMerges::may_join(TokenId id) const {
  return vocabulary_.kind(id) != TokenKind::kUserDefined;
}

void RankedMerges::pend(TokenId left, TokenId right, MergeTable::Rule rule) {
  if (may_join(left) && may_join(right)) entries_.push_back({left, right, rule});
}

void RankedMerges::enter_pending() {
  if (entries_.size() > capacity_) {
    capacity_ = 2 * entries_.size();
    table_ = MergeTable(capacity_);
    pending_ = 0;
  }
  for (; pending_ < entries_.size(); ++pending_) {
    const Entry& entry = entries_[pending_];
    table_.insert(entry.left, entry.right, entry.rule);
  }
}

MergeTable RankedMerges::finish() {
  enter_pending();
  return std::move(table_);
}

}  // namespace aquilon::text
