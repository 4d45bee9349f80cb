// The interleaved layout that quantised weights are repacked to, as plain numbers: read by the
// packer and by the kernels of every instruction set, so only C headers and static functions here.
//
// Rows go in groups of 16, padded with zeros. A group is a run of chunks of up to 256 columns, and
// a chunk is a header of scales, padded to 64 bytes, then one tile for each 32 columns:
//
//   tile    lines of 64 bytes; byte 4 r + i of a line belongs to row r and to column 4 g + i of the
//           tile for some g. q is the unsigned quant, the value plus the packing's offset.
//     low   4 lines: line j holds q's low nibbles for g = 2j (low) and g = 2j + 1 (high)
//     5th   1 line:  bit g is bit 4 of q                                        (5-bit packings)
//     top   2 lines: bits 2 g' and 2 g' + 1 of line h are bits 4, 5 for g = 4h + g'     (6-bit)
//     all   8 lines instead: line g is q itself                                         (8-bit)
//
//   header  kScale       for each tile 16 f16 scales d                              w = d q
//           kScaleMin    for each tile 16 f16 scales d, then 16 f16 minima m        w = d q + m
//           kNested      16 f16 d, 16 f16 dmin; for each tile 16 u8 s, 16 u8 m      w = d s q -
//           dmin m kHalves      16 f16 d, 32 bytes unused; for each tile 16 x 2 int8 s, one for
//           each half
//                        of 16 columns                                              w = d s q
// One stream of memory, in the order in which it is used.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aquilon::quant {

enum class Packing : std::uint8_t { kQ4_0, kQ4_1, kQ5_0, kQ5_1, kQ8_0, kQ4_K, kQ5_K, kQ6_K };
enum class Header : std::uint8_t { kScale, kScaleMin, kNested, kHalves };

struct PackingInfo {
  int bits;       // of a quant: 4, 5, 6 or 8
  int log2_zero;  // the offset is 1 << log2_zero; 0: none
  Header header;
};

static constexpr std::size_t kGroupRows = 16;
static constexpr std::size_t kTileColumns = 32;
static constexpr std::size_t kChunkColumns = 256;

static constexpr PackingInfo packing_info(Packing packing) {
  switch (packing) {
    case Packing::kQ4_0:
      return {4, 3, Header::kScale};
    case Packing::kQ4_1:
      return {4, 0, Header::kScaleMin};
    case Packing::kQ5_0:
      return {5, 4, Header::kScale};
    case Packing::kQ5_1:
      return {5, 0, Header::kScaleMin};
    case Packing::kQ8_0:
      return {8, 7, Header::kScale};
    case Packing::kQ4_K:
      return {4, 0, Header::kNested};
    case Packing::kQ5_K:
      return {5, 0, Header::kNested};
    case Packing::kQ6_K:
      return {6, 5, Header::kHalves};
  }
  return {};
}

// Where tile t of a header's own part begins, and the whole header's size for `tiles` tiles.
static constexpr std::size_t header_tile(Header header, std::size_t tile) {
  switch (header) {
    case Header::kScale:
      return 32 * tile;
    case Header::kScaleMin:
      return 64 * tile;
    case Header::kNested:
    case Header::kHalves:
      return 64 + 32 * tile;
  }
  return 0;
}
static constexpr std::size_t header_bytes(Header header, std::size_t tiles) {
  return (header_tile(header, tiles) + 63) / 64 * 64;
}

static constexpr std::size_t tile_bytes(int bits) {
  return 64 * static_cast<std::size_t>(bits);
}

static constexpr std::size_t chunk_bytes(Packing packing, std::size_t tiles) {
  const PackingInfo info = packing_info(packing);
  return tiles == 0 ? 0 : header_bytes(info.header, tiles) + tiles * tile_bytes(info.bits);
}

// Bytes of 16 rows of `columns` columns, a multiple of 32.
static constexpr std::size_t group_bytes(Packing packing, std::size_t columns) {
  return columns / kChunkColumns * chunk_bytes(packing, kChunkColumns / kTileColumns) +
         chunk_bytes(packing, columns % kChunkColumns / kTileColumns);
}

}  // namespace aquilon::quant
