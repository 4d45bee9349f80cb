// Causal attention of the new tokens of a batch over keys and values in pages.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/attention/attention_impl_internal.h"  // AttentionBlockFn
#include "kernels/attention/attention_plan_internal.h"
#include "kernels/attention/kv_layout.h"  // KvLayout, KvSlice
#include "kernels/isa.h"

namespace aquilon::kernels {

// What a token sees, and how sharply.
struct AttentionShape {
  std::size_t n_heads = 0;  // H
  std::size_t window = 0;   // positions that a token sees, itself among them; 0: all before it
  double scale = 0;         // of q.k; 0: 1 / sqrt(E)
};

// out[t, h] = softmax(scale q[t, h] . k[w..p]) v[w..p], where p is the token's position, w the
// first of its window and head h reads K/V head h / (H / K).
//
//   Attention attention({.n_heads = n_heads});
//   attention.plan(layout, batch);       // once a batch
//   attention.run(pool, layer, q, out);  // once a layer, its keys and values stored before
//
// The bits of a token depend on its own sequence only, not on slices, batch or threads: positions
// are taken in blocks of 256 from position 0 on, windows or not; a block gives a row's highest
// score, sum of weights and weighted values, each summed in ascending order; blocks are merged in
// ascending order. Blocks outside of a window are not touched. Requires: H a multiple of K. Errors:
// none. Threads: one caller at a time; one parallel loop a layer over (slice, K/V head, rows,
// blocks). Cost: reads the keys and values of a K/V head once for up to 48 (token, head) rows.
// Accuracy: f32 sums over 256 positions and weights to 1.3e-7, beside the stored type's rounding.
// Source: Vaswani et al. 2017, arXiv:1706.03762 eq. 1; Milakov & Gimelshein 2018, arXiv:1805.02867
// alg. 3. Reference: attention_ref.cpp.
class Attention {
 public:
  // `block_fn`: instead of the one that the table chooses.
  explicit Attention(const AttentionShape& shape, AttentionBlockFn* block_fn = nullptr);

  // The slices' pages stay where they are until the last run.
  void plan(const KvLayout& layout, std::span<const KvSlice> batch);
  //   q, out  [T, H, E]  f32, tokens of the slices in order, may not overlap
  void run(ThreadPool& pool, std::size_t layer, const float* q, float* out) noexcept;

 private:
  struct Partial;
  struct Scratch;

  void run_item(const AttentionItem& item, std::size_t layer, const float* q, float* out) noexcept;
  void run_block(const AttentionTile& tile, std::size_t layer, std::size_t block, Scratch& scratch,
                 const Partial& to) const noexcept;
  void gather_queries(const AttentionTile& tile, const float* q, Scratch& scratch) const noexcept;
  void merge(const AttentionTile& tile, std::size_t block, const Partial& from,
             const Partial& into) const noexcept;
  void write(const AttentionTile& tile, const Partial& from, float* out) const noexcept;
  Partial stored_partial(const AttentionTile& tile, std::size_t block) noexcept;
  // Rows of the tile that see something of the block: [first, last).
  std::size_t first_row(const AttentionTile& tile, std::size_t block) const noexcept;
  std::size_t last_row(const AttentionTile& tile, std::size_t block) const noexcept;
  std::size_t query_at(const AttentionTile& tile, std::size_t row) const noexcept;

  const AttentionShape shape_;
  AttentionBlockFn* const block_fn_;
  KvLayout layout_;
  std::size_t group_ = 0;  // H / K
  std::vector<KvSlice> batch_;
  AttentionPlan plan_;
  std::vector<float> partials_;
  std::unique_ptr<std::atomic<std::size_t>[]> left_;  // [tiles] items to do in the running layer
  std::size_t left_size_ = 0;
};

std::span<const Impl<AttentionBlockFn>> attention_impls();

}  // namespace aquilon::kernels
