// Attention over a batch as a list of work.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kernels/attention/attention_impl_internal.h"  // kBlockPositions
#include "kernels/attention/kv_layout.h"

namespace aquilon::kernels {

// Some rows of a slice and K/V head; row r is head r % G of the head's group in token r / G.
struct AttentionTile {
  std::size_t slice;
  std::size_t kv_head;
  std::size_t first_row;  // of the slice
  std::size_t rows;
  std::size_t first_block = 0;  // that one of its rows sees
  std::size_t last_block = 0;   // exclusive
  std::size_t items = 1;        // that share the tile
  std::size_t partials = 0;     // where its blocks' results begin, in floats, where items > 1
};

struct AttentionItem {
  std::size_t tile;
  std::size_t first_block;
  std::size_t last_block;  // exclusive
  std::size_t cost;        // rows times positions
};

struct AttentionPlan {
  std::vector<std::size_t> first_token;  // [slices] of each slice, in the batch
  std::vector<AttentionTile> tiles;
  std::vector<AttentionItem> items;  // dearest first
  std::size_t partial_floats = 0;
};

// The positions that a row of a slice sees are [begin, end).
constexpr std::size_t row_end(const KvSlice& slice, std::size_t row, std::size_t group) {
  return slice.position + row / group + 1;
}
//   window  positions that a token sees, itself among them; 0: all
constexpr std::size_t row_begin(const KvSlice& slice, std::size_t row, std::size_t group,
                                std::size_t window) {
  const std::size_t end = row_end(slice, row, group);
  return window == 0 || end <= window ? 0 : end - window;
}

// Floats of one block's result.
constexpr std::size_t partial_floats(const AttentionTile& tile, const KvLayout& layout) {
  return tile.rows * (layout.row() + 2);
}

// A slice with few rows (a decoding sequence, above all) is split by blocks, others by rows alone.
//   group   query heads a K/V head
//   window  as for row_begin
void plan_attention(const KvLayout& layout, std::size_t group, std::size_t window,
                    std::span<const KvSlice> batch, AttentionPlan& plan);

}  // namespace aquilon::kernels
