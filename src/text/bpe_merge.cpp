#include "text/bpe_merge.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>

#include "text/byte_hash_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

constexpr std::size_t kShort = 64;            // symbols of a piece that scanning beats a heap for
constexpr std::uint32_t kNone = 0xFFFFFFFFu;  // no node
constexpr std::uint32_t kGone = 0xFFFFFFFEu;  // as `previous`: joined into its left neighbour

}  // namespace

MergeTable::MergeTable(std::size_t rules)
    : slots_(std::bit_ceil(std::max<std::size_t>(rules * 4 / 3, 16))),
      mask_(slots_.size() - 1),
      seed_(hash_seed()) {}

void MergeTable::insert(TokenId left, TokenId right, Rule rule) {
  const std::uint64_t pair = pair_of(left, right);
  std::uint64_t i = hash_pair(pair, seed_) & mask_;
  while (slots_[i].pair != kEmpty) {
    if (slots_[i].pair == pair) return;
    i = (i + 1) & mask_;
  }
  slots_[i] = {pair, rule};
}

void MergeTable::prefetch(TokenId left, TokenId right) const {
  __builtin_prefetch(&slots_[hash_pair(pair_of(left, right), seed_) & mask_], 1);
}

MergeTable::Rule MergeTable::find(TokenId left, TokenId right) const {
  const std::uint64_t pair = pair_of(left, right);
  const Slot* const slots = slots_.data();
  for (std::uint64_t i = hash_pair(pair, seed_) & mask_;; i = (i + 1) & mask_) {
    if (slots[i].pair == pair) return slots[i].rule;
    if (slots[i].pair == kEmpty) return {};
  }
}

std::span<const TokenId> MergeScratch::merge(std::span<const TokenId> symbols,
                                             const MergeTable& table) {
  return symbols.size() <= kShort ? merge_short(symbols, table) : merge_long(symbols, table);
}

std::span<const TokenId> MergeScratch::merge_short(std::span<const TokenId> symbols,
                                                   const MergeTable& table) {
  std::array<std::uint32_t, kShort> ranks;
  std::array<TokenId, kShort> joined;
  std::size_t n = symbols.size();
  ids_.resize(kShort);
  std::copy(symbols.begin(), symbols.end(), ids_.begin());
  const auto look_up = [&](std::size_t i) {
    const MergeTable::Rule rule = table.find(ids_[i], ids_[i + 1]);
    ranks[i] = rule.rank;
    joined[i] = rule.joined;
  };
  for (std::size_t i = 0; i + 1 < n; ++i) look_up(i);
  while (n > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < n; ++i) {
      if (ranks[i] < ranks[best]) best = i;
    }
    if (ranks[best] == MergeTable::kNoRule) break;
    ids_[best] = joined[best];
    --n;
    for (std::size_t i = best + 1; i < n; ++i) {
      ids_[i] = ids_[i + 1];
      ranks[i] = ranks[i + 1];
      joined[i] = joined[i + 1];
    }
    if (best + 1 < n) look_up(best);
    if (best > 0) look_up(best - 1);
  }
  return {ids_.data(), n};
}

void MergeScratch::update_pair(std::uint32_t left, const MergeTable& table) {
  Node& node = nodes_[left];
  MergeTable::Rule rule;
  if (node.next != kNone) rule = table.find(node.id, nodes_[node.next].id);
  node.rank = rule.rank;
  node.joined = rule.joined;
  if (rule.rank == MergeTable::kNoRule) return;
  heap_.push_back(std::uint64_t{rule.rank} << 32 | left);
}

std::span<const TokenId> MergeScratch::merge_long(std::span<const TokenId> symbols,
                                                  const MergeTable& table) {
  const auto n = static_cast<std::uint32_t>(symbols.size());
  nodes_.resize(n);
  heap_.clear();
  for (std::uint32_t i = 0; i < n; ++i) {
    nodes_[i] = {symbols[i], i == 0 ? kNone : i - 1, i + 1 == n ? kNone : i + 1, 0, 0};
  }
  for (std::uint32_t i = 0; i < n; ++i) update_pair(i, table);
  std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
  const auto refresh = [&](std::uint32_t left) {
    const std::size_t before = heap_.size();
    update_pair(left, table);
    if (heap_.size() > before) std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  };
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    const auto left = static_cast<std::uint32_t>(heap_.back());
    const auto rank = static_cast<std::uint32_t>(heap_.back() >> 32);
    heap_.pop_back();
    Node& node = nodes_[left];
    if (node.previous == kGone || node.rank != rank) continue;  // overtaken by another join
    Node& right = nodes_[node.next];
    node.id = node.joined;
    node.next = right.next;
    right.previous = kGone;
    if (node.next != kNone) nodes_[node.next].previous = left;
    refresh(left);
    if (node.previous != kNone) refresh(node.previous);
  }
  ids_.clear();
  for (std::uint32_t i = 0; i != kNone; i = nodes_[i].next) ids_.push_back(nodes_[i].id);
  return ids_;
}

}  // namespace aquilon::text
