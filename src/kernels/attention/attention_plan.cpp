#include <algorithm>

#include "kernels/attention/attention_plan_internal.h"

namespace aquilon::kernels {
namespace {

constexpr std::size_t kTileRows = 48;   // scores of a tile and a block stay in L2: 48 KiB
constexpr std::size_t kItemBlocks = 2;  // of a split tile

void add_tile(const KvSlice& slice, std::size_t group, bool split, AttentionTile tile,
              const KvLayout& layout, AttentionPlan& plan) {
  const std::size_t longest = row_length(slice, tile.first_row + tile.rows - 1, group);
  const std::size_t blocks = (longest + kBlockPositions - 1) / kBlockPositions;
  const std::size_t step = split ? kItemBlocks : blocks;
  tile.items = (blocks + step - 1) / step;
  if (tile.items > 1) {
    tile.partials = plan.partial_floats;
    plan.partial_floats += blocks * partial_floats(tile, layout);
  }
  for (std::size_t b = 0; b < blocks; b += step) {
    const std::size_t last = std::min(blocks, b + step);
    const std::size_t positions = std::min(longest, last * kBlockPositions) - b * kBlockPositions;
    plan.items.push_back({plan.tiles.size(), b, last, tile.rows * positions});
  }
  plan.tiles.push_back(tile);
}

}  // namespace

void plan_attention(const KvLayout& layout, std::size_t group, std::span<const KvSlice> batch,
                    AttentionPlan& plan) {
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
      for (std::size_t row = 0; row < rows; row += kTileRows)
        add_tile(batch[s], group, tiles == 1, {s, head, row, std::min(kTileRows, rows - row), 1},
                 layout, plan);
  }
  std::stable_sort(plan.items.begin(), plan.items.end(),
                   [](const auto& a, const auto& b) { return a.cost > b.cost; });
}

}  // namespace aquilon::kernels
