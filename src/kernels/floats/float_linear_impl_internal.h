#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/float_layout.h"

namespace aquilon::kernels {

// A product with packed floats as plain numbers and pointers, so that instruction-set files need no
// other header. Activations come in tiles of a few tokens, each tile [K][tokens of it] f32.
struct FloatJob {
  const unsigned char* w;  // [groups] of 16 packed rows
  quant::FloatPacking packing;
  std::size_t rows;     // N
  std::size_t columns;  // K, a multiple of 32
  const float* x;       // tiles, in order
  std::size_t tiles;
  std::size_t tile_tokens;  // of each tile, but the first `wider` tiles have one more
  std::size_t wider;
  const float* bias;  // [N] or null
  bool add;           // out += product instead of out = product
  float* out;         // [T, out_stride]
  std::size_t out_stride;
};

// A tile of tokens, some of its columns and one or two groups of rows. Several tiles and groups
// take the same columns before the next ones: activations then stay in the second cache, weights in
// the first. A row's and token's sum waits in its slot meanwhile.
struct FloatPiece {
  std::size_t group;   // the first
  std::size_t groups;  // 1 or 2
  const float* x;      // [columns, tokens]
  std::size_t column;  // the first
  std::size_t columns;
  std::size_t token;  // the first
  std::size_t tokens;
  std::size_t slot;  // below kFloatSlots
  bool first;        // columns of all: sums begin at 0
  bool last;         // sums are done
};
static constexpr std::size_t kFloatTiles = 16;  // tiles at a time
static constexpr std::size_t kFloatPairs = 4;   // of groups at a time
static constexpr std::size_t kFloatSlots = kFloatTiles * kFloatPairs;
static constexpr std::size_t kFloatPieceColumns = 512;

// f(piece) for `tiles` tiles from token `token` on, each of job.tile_tokens but the first `wider`,
// and groups [begin, end), at most 2 kFloatPairs.
template <class F>
static inline void each_float_column(const FloatJob& job, std::size_t begin, std::size_t end,
                                     std::size_t tiles, std::size_t wider, std::size_t token,
                                     const F& f) {
  for (std::size_t k = 0; k < job.columns; k += kFloatPieceColumns) {
    const std::size_t left = job.columns - k;
    const std::size_t columns = left < kFloatPieceColumns ? left : kFloatPieceColumns;
    for (std::size_t g = begin; g < end; g += 2) {
      const std::size_t slot = (g - begin) / 2 * kFloatTiles;
      std::size_t at = token;
      for (std::size_t i = 0; i < tiles; ++i) {
        const std::size_t n = job.tile_tokens + (i < wider ? 1 : 0);
        f(FloatPiece{g, g + 1 < end ? 2u : 1u, job.x + at * job.columns + k * n, k, columns, at, n,
                     slot + i, k == 0, columns == left});
        at += n;
      }
    }
  }
}

// f(piece) for all tokens and columns of groups [begin, end).
template <class F>
static inline void each_float_piece(const FloatJob& job, std::size_t begin, std::size_t end,
                                    const F& f) {
  for (std::size_t g = begin; g < end; g += 2 * kFloatPairs) {
    const std::size_t g_end = g + 2 * kFloatPairs < end ? g + 2 * kFloatPairs : end;
    std::size_t token = 0;
    for (std::size_t i = 0; i < job.tiles; i += kFloatTiles) {
      const std::size_t tiles = job.tiles - i < kFloatTiles ? job.tiles - i : kFloatTiles;
      const std::size_t wider = job.wider < i ? 0 : job.wider - i < tiles ? job.wider - i : tiles;
      each_float_column(job, g, g_end, tiles, wider, token, f);
      token += tiles * job.tile_tokens + wider;
    }
  }
}

// Computes groups [begin, end) of 16 output rows for all tokens.
using FloatGroups = void(const FloatJob& job, std::size_t begin, std::size_t end) noexcept;

struct FloatKernel {
  FloatGroups* groups;
  std::size_t max_tile;  // tokens that its widest tile takes
};

FloatGroups float_groups_ref;
FloatGroups float_groups_avx2;
FloatGroups float_groups_avx512;

}  // namespace aquilon::kernels
