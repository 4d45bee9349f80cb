#include "kernels/attention/attention.h"

#include <algorithm>
#include <cmath>

namespace aquilon::kernels {

std::span<const Impl<AttentionBlockFn>> attention_impls() {
  static constexpr Impl<AttentionBlockFn> kImpls[] = {
#if defined(__x86_64__)
    {Isa::kAvx512, attention_block_avx512},
    {Isa::kAvx2, attention_block_avx2},
#endif
    {Isa::kRef, attention_block_ref},
  };
  return kImpls;
}

// The result of one block, or of all blocks so far, for the rows of a tile.
struct Attention::Partial {
  float* highest;  // [rows]
  float* sum;      // [rows]
  float* mixed;    // [rows, row]

  static Partial at(float* memory, std::size_t rows) {
    return {memory, memory + rows, memory + 2 * rows};
  }
};

// A thread's own memory for the tile that it works on.
struct Attention::Scratch {
  std::vector<float> q;              // [rows, E]
  std::vector<float> scores;         // [rows, 256]
  std::vector<std::uint16_t> begin;  // [rows]
  std::vector<std::uint16_t> end;    // [rows]
  std::vector<float> block;          // Partial of the block
  std::vector<float> total;          // Partial of the blocks so far

  void fit(const AttentionTile& tile, const KvLayout& layout) {
    const auto grow = [](auto& v, std::size_t n) {
      if (v.size() < n) v.resize(n);
    };
    grow(q, tile.rows * layout.head_dim);
    grow(scores, tile.rows * kBlockPositions);
    grow(begin, tile.rows);
    grow(end, tile.rows);
    grow(block, partial_floats(tile, layout));
    grow(total, partial_floats(tile, layout));
  }
};

Attention::Attention(const AttentionShape& shape, AttentionBlockFn* block_fn)
    : shape_(shape), block_fn_(block_fn != nullptr ? block_fn : choose(attention_impls())) {}

void Attention::plan(const KvLayout& layout, std::span<const KvSlice> batch) {
  layout_ = layout;
  group_ = shape_.n_heads / layout.n_kv_heads;
  batch_.assign(batch.begin(), batch.end());
  plan_attention(layout_, group_, shape_.window, batch_, plan_);
  if (partials_.size() < plan_.partial_floats) partials_.resize(plan_.partial_floats);
  if (left_size_ < plan_.tiles.size()) {
    left_size_ = plan_.tiles.size();
    left_ = std::make_unique<std::atomic<std::size_t>[]>(left_size_);
  }
  for (std::size_t i = 0; i < plan_.tiles.size(); ++i) left_[i] = plan_.tiles[i].items;
}

void Attention::run(ThreadPool& pool, std::size_t layer, const float* q, float* out) noexcept {
  pool.run(plan_.items.size(), [&](std::size_t i) { run_item(plan_.items[i], layer, q, out); });
}

// Whoever finishes a tile's last item merges its blocks and writes its rows.
void Attention::run_item(const AttentionItem& item, std::size_t layer, const float* q,
                         float* out) noexcept {
  thread_local Scratch scratch;
  const AttentionTile& tile = plan_.tiles[item.tile];
  scratch.fit(tile, layout_);
  gather_queries(tile, q, scratch);
  const Partial block = Partial::at(scratch.block.data(), tile.rows);
  const Partial total = Partial::at(scratch.total.data(), tile.rows);
  if (tile.items == 1) {
    for (std::size_t b = item.first_block; b < item.last_block; ++b) {
      run_block(tile, layer, b, scratch, block);
      merge(tile, b, block, total);
    }
    write(tile, total, out);
    return;
  }
  for (std::size_t b = item.first_block; b < item.last_block; ++b)
    run_block(tile, layer, b, scratch, stored_partial(tile, b));
  std::atomic<std::size_t>& left = left_[item.tile];
  if (left.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  left.store(tile.items, std::memory_order_relaxed);  // for the next layer
  for (std::size_t b = tile.first_block; b < tile.last_block; ++b)
    merge(tile, b, stored_partial(tile, b), total);
  write(tile, total, out);
}

void Attention::run_block(const AttentionTile& tile, std::size_t layer, std::size_t block,
                          Scratch& scratch, const Partial& to) const noexcept {
  const KvSlice& slice = batch_[tile.slice];
  const std::size_t first = first_row(tile, block);
  const std::size_t last = last_row(tile, block);
  const std::size_t before = block * kBlockPositions;
  const auto in_block = [before](std::size_t position) {
    return static_cast<std::uint16_t>(std::clamp(position, before, before + kBlockPositions) -
                                      before);
  };
  for (std::size_t r = first; r < last; ++r) {
    scratch.begin[r] = in_block(row_begin(slice, tile.first_row + r, group_, shape_.window));
    scratch.end[r] = in_block(row_end(slice, tile.first_row + r, group_));
  }
  block_fn_({.type = layout_.type,
             .head_dim = layout_.head_dim,
             .row = layout_.row(),
             .rows = last - first,
             .keys = layout_.keys(layer, tile.kv_head),
             .values = layout_.values(layer, tile.kv_head),
             .pages = slice.pages + block * kBlockPages,
             .begin = scratch.begin.data() + first,
             .end = scratch.end.data() + first,
             .q = scratch.q.data() + first * layout_.head_dim,
             .scores = scratch.scores.data() + first * kBlockPositions,
             .highest = to.highest + first,
             .sum = to.sum + first,
             .mixed = to.mixed + first * layout_.row()});
}

void Attention::gather_queries(const AttentionTile& tile, const float* q,
                               Scratch& scratch) const noexcept {
  const double log2_e = 1.4426950408889634;
  const double root = std::sqrt(static_cast<double>(layout_.head_dim));
  const auto scale = static_cast<float>(shape_.scale != 0 ? log2_e * shape_.scale : log2_e / root);
  float* to = scratch.q.data();
  for (std::size_t r = 0; r < tile.rows; ++r) {
    const float* from = q + query_at(tile, r);
    for (std::size_t i = 0; i < layout_.head_dim; ++i) *to++ = from[i] * scale;
  }
}

// into = into + from, both brought to the same highest score.
void Attention::merge(const AttentionTile& tile, std::size_t block, const Partial& from,
                      const Partial& into) const noexcept {
  const std::size_t row = layout_.row();
  const std::size_t last = last_row(tile, block);
  for (std::size_t r = first_row(tile, block); r < last; ++r) {
    const std::size_t begin =
        row_begin(batch_[tile.slice], tile.first_row + r, group_, shape_.window);
    const float* more = from.mixed + r * row;
    float* mixed = into.mixed + r * row;
    if (block == begin / kBlockPositions) {
      into.highest[r] = from.highest[r];
      into.sum[r] = from.sum[r];
      std::copy_n(more, layout_.head_dim, mixed);
      continue;
    }
    const float highest = std::max(into.highest[r], from.highest[r]);
    const float keep = std::exp2(into.highest[r] - highest);
    const float add = std::exp2(from.highest[r] - highest);
    into.highest[r] = highest;
    into.sum[r] = into.sum[r] * keep + from.sum[r] * add;
    for (std::size_t i = 0; i < layout_.head_dim; ++i) mixed[i] = mixed[i] * keep + more[i] * add;
  }
}

void Attention::write(const AttentionTile& tile, const Partial& from, float* out) const noexcept {
  for (std::size_t r = 0; r < tile.rows; ++r) {
    const float norm = 1.0f / from.sum[r];
    const float* mixed = from.mixed + r * layout_.row();
    float* to = out + query_at(tile, r);
    for (std::size_t i = 0; i < layout_.head_dim; ++i) to[i] = mixed[i] * norm;
  }
}

Attention::Partial Attention::stored_partial(const AttentionTile& tile,
                                             std::size_t block) noexcept {
  float* const memory =
      partials_.data() + tile.partials + (block - tile.first_block) * partial_floats(tile, layout_);
  return Partial::at(memory, tile.rows);
}

std::size_t Attention::first_row(const AttentionTile& tile, std::size_t block) const noexcept {
  const std::size_t before = block * kBlockPositions;
  const std::size_t position = batch_[tile.slice].position;
  if (position >= before) return 0;
  const std::size_t row = (before - position) * group_;  // of the slice
  return row > tile.first_row ? row - tile.first_row : 0;
}

std::size_t Attention::last_row(const AttentionTile& tile, std::size_t block) const noexcept {
  if (shape_.window == 0) return tile.rows;
  // The last token that sees the block begins at the block's last position.
  const std::size_t end = (block + 1) * kBlockPositions - 1 + shape_.window;
  const std::size_t row = (end - batch_[tile.slice].position) * group_;  // of the slice
  return std::min(tile.rows, row > tile.first_row ? row - tile.first_row : 0);
}

std::size_t Attention::query_at(const AttentionTile& tile, std::size_t row) const noexcept {
  const std::size_t r = tile.first_row + row;
  const std::size_t token = plan_.first_token[tile.slice] + r / group_;
  const std::size_t head = tile.kv_head * group_ + r % group_;
  return (token * shape_.n_heads + head) * layout_.head_dim;
}

}  // namespace aquilon::kernels
