#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/packed_layout.h"

namespace aquilon::kernels {

// Quantised activations: tiles of a few tokens, and in a tile for each 32 columns, with C tokens:
//   C x 32 s8   q, C f32   d: x = d q, C i32   sum of q, C f32   d times that sum,
//   C x 2 s16   sums of q over both halves of 16 columns
static constexpr std::size_t kActivationBytes = 48;  // of 32 columns of one token

static constexpr std::size_t activation_bytes(std::size_t columns) {
  return columns / quant::kTileColumns * kActivationBytes;
}

// A packed product as plain numbers and pointers, so that instruction-set files need no other
// header.
struct LinearJob {
  const unsigned char* w;  // [groups] of 16 packed rows
  quant::Packing packing;
  std::size_t rows;        // N
  std::size_t columns;     // K, a multiple of 32
  const unsigned char* x;  // tiles, in order
  std::size_t tiles;
  std::size_t tile_tokens;  // of each tile, but the first `wider` tiles have one more
  std::size_t wider;
  const float* bias;  // [N] or null
  bool add;           // out += product instead of out = product
  float* out;         // [T, out_stride]
  std::size_t out_stride;
  unsigned char* panel;  // scratch: 16 * K bytes for each of panel_groups, aligned to 64
};

// Fetches tile t's share of what lies 4 KiB further on, headers included: processors stop fetching
// by themselves at every 4 KiB. Zen 5: Q4_0 with 8 tokens 34 % of the limit without, 71 % with 4
// KiB, the same with 8, less with 2 or 16. Zen 4: with 4 KiB 3 to 14 % more than with 6 at 4 and 8
// tokens.
template <quant::Header H, std::size_t TileBytes>
static inline void prefetch_ahead(const unsigned char* chunk, std::size_t t) {
  constexpr std::size_t kAhead = 4096;
  constexpr std::size_t kTiles = quant::kChunkColumns / quant::kTileColumns;
  constexpr std::size_t kShare = quant::header_bytes(H, kTiles) / kTiles + TileBytes;
  const unsigned char* at = chunk + kAhead + t * kShare;
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kShare; i += 64) __builtin_prefetch(at + i);
}

// Computes groups [begin, end) of 16 output rows for all tokens.
using LinearGroups = void(const LinearJob& job, std::size_t begin, std::size_t end) noexcept;
// Quantises one tile of `tokens` rows.   x  [tokens, columns]
using QuantizeTile = void(const float* x, std::size_t tokens, std::size_t columns,
                          unsigned char* out) noexcept;

struct LinearKernel {
  QuantizeTile* quantize;
  LinearGroups* groups;
  std::size_t max_tile;          // tokens that its widest tile takes
  std::size_t panel_groups = 1;  // that its scratch holds at a time
};

LinearGroups linear_groups_ref;
QuantizeTile quantize_tile_ref;
LinearGroups linear_groups_avx2;
QuantizeTile quantize_tile_avx2;
LinearGroups linear_groups_avx512;
QuantizeTile quantize_tile_avx512;

}  // namespace aquilon::kernels
