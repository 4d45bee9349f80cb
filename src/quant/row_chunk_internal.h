// A row's part of a chunk, taken out of its stored blocks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/packed_layout.h"
#include "tensor/dtype.h"

namespace aquilon::quant {

static constexpr std::size_t kChunkTiles = kChunkColumns / kTileColumns;

// Of the scales, what the packing's header holds.
struct RowChunk {
  unsigned char q[kChunkColumns];                // codes
  std::uint16_t d[kChunkTiles], m[kChunkTiles];  // halves of each tile, or [0] of the whole chunk
  float wide_d;                                  // of the whole chunk
  unsigned char scale[kChunkTiles], min[kChunkTiles];
  unsigned char halves[2 * kChunkTiles];  // bytes for each half of a tile
};

//   x      the row's blocks, of a type that has a packing
//   tiles  of 32 columns: 8, or fewer where blocks are that short
void read_chunk(tensor::DType type, const unsigned char* x, std::size_t tiles,
                RowChunk& c) noexcept;

}  // namespace aquilon::quant
