// A row's part of a chunk as codes of a byte, for types whose blocks are no plain fields of bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/packed_layout.h"
#include "tensor/dtype.h"

namespace aquilon::quant {

static constexpr std::size_t kChunkTiles = kChunkColumns / kTileColumns;

// Of the scales, what the packing's header holds.
struct RowChunk {
  unsigned char q[kChunkColumns];         // codes
  std::uint16_t d, dmin;                  // of the whole chunk
  float wide_d;                           // likewise
  unsigned char halves[2 * kChunkTiles];  // bytes for each half of a tile
};

//   x      the row's blocks: NVFP4, or a type of blocks_codes.h
//   tiles  of 32 columns: 8, or fewer where blocks are that short
void read_chunk(tensor::DType type, const unsigned char* x, std::size_t tiles,
                RowChunk& c) noexcept;

// The row's part of the chunk's header at `out`. `header`: none of those that blocks of plain
// fields have, kScaleMin, kNested and kPowers.
void put_header(Header header, const RowChunk& c, std::size_t tiles, std::size_t row,
                unsigned char* out) noexcept;

}  // namespace aquilon::quant
