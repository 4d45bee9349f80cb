#include <algorithm>

#include "kernels/attention/attention_plan_internal.h"

namespace aquilon::kernels {
namespace {

constexpr std::size_t kTileRows = 48;   // scores of a tile and a block stay in L2: 48 KiB
constexpr std::size_t kItemBlocks = 2;  // of a split tile

void add_tile(bool split, std::size_t begin, std::size_t end, AttentionTile tile,
              const KvLayout& layout, AttentionPlan& plan) {
  tile.first_block = begin / kBlockPositions;
  tile.last_block = (end + kBlockPositions - 1) / kBlockPositions;
  const std::size_t blocks = tile.last_block - tile.first_block;
  const std::size_t step = split ? kItemBlocks : blocks;
  tile.items = (blocks + step - 1) / step;
  if (tile.items > 1) {
    tile.partials = plan.partial_floats;
    plan.partial_floats += blocks * partial_floats(tile, layout);
  }
  for (std::size_t b = tile.first_block; b < tile.last_block; b += step) {
    const std::size_t last = std::min(tile.last_block, b + step);
    const std::size_t positions =
        std::min(end, last * kBlockPositions) - std::max(begin, b * kBlockPositions);
    plan.items.push_back({plan.tiles.size(), b, last, tile.rows * positions});
  }
  plan.tiles.push_back(tile);
}

}  // namespace

void plan_attention(const KvLayout& layout, std::size_t group, std::size_t window,
                    std::span<const KvSlice> batch, AttentionPlan& plan) {
  plan.first_token.clear();
  plan.tiles.clear();
  plan.items.clear();
  plan.partial_floats = 0;
  std::size_t token = 0;
  for (std::size_t s = 0; s < batch.size(); ++s) {
    const std::size_t rows = batch[s].tokens * group;
    const std::size_t tiles = (rows + kTileRows - 1) / kTileRows;
    plan.first_token.push_back(token);
    token += batch[s].tokens;
    for (std::size_t head = 0; head < layout.n_kv_heads; ++head)
      for (std::size_t row = 0; row < rows; row += kTileRows) {
        const std::size_t n = std::min(kTileRows, rows - row);
        add_tile(tiles == 1, row_begin(batch[s], row, group, window),
                 row_end(batch[s], row + n - 1, group), {s, head, row, n}, layout, plan);
      }
  }
  std::stable_sort(plan.items.begin(), plan.items.end(),
                   [](const auto& a, const auto& b) { return a.cost > b.cost; });
}

}  // namespace aquilon::kernels
