// The interleaved layout that quantised weights are repacked to, as plain numbers: read by the
// packer and by the kernels of every instruction set, so only C headers and static functions here.
//
// Rows go in groups of 16, padded with zeros. A group is a run of chunks of up to 256 columns, and
// a chunk is a header of scales, padded to 64 bytes, then one tile for each 32 columns:
//
//   tile    lines of 64 bytes; byte 4 r + i of a line belongs to row r and to column 4 g + i of the
//           tile for some g. A code is what is stored of a weight; q is its unsigned quant: the
//           code itself, or what a table has in its place.
//     low   4 lines: line j holds codes' low nibbles for g = 2j (low) and g = 2j + 1 (high)
//                                                                          (4 to 6 bits)
//     5th   1 line:  bit g is bit 4 of the code                            (5 bits)
//     top   2 lines: bits 2 g' and 2 g' + 1 of line h are bits 4, 5 for g = 4h + g'     (6 bits)
//     pairs 2 lines: bits 2 g' and 2 g' + 1 of line h are the low bits for g = 4h + g'  (2, 3 bits)
//     3rd   1 line:  bit g is bit 2 of the code                            (3 bits)
//     all   8 lines instead: line g is q itself                            (8 bits)
//
//   header, and the weight w, with v = q - zero
//     kScale         for each tile 16 f16 scales d                                      w = d v
//     kScaleMin      for each tile 16 f16 scales d, then 16 f16 minima m                w = d q + m
//     kNested        16 f16 d, 16 f16 dmin; for each tile 16 u8 s, 16 u8 m     w = d s q - dmin m
//     kHalves        16 f16 d, 32 bytes unused; for each tile 16 x 2 int8 s, one for each half of
//                    16 columns                                                         w = d s v
//     kHalvesMin     16 f16 d, 16 f16 dmin; for each tile 16 x 2 bytes for each half: s in the low
//                    nibble, m in the high                                     w = d s q - dmin m
//     kSigned        16 f32 d; for each tile 16 int8 s                                  w = d s v
//     kSignedHalves  16 f32 d; for each tile 16 x 2 int8 s, one for each half           w = d s v
//     kPowers        for each tile 16 u8 e                                    w = 2^(e - 128) v
//     kSmallFloats   for each tile 16 x 2 bytes e, one for each half: E4M3 numbers without their
//                    sign                                                           w = e / 2 v
// One stream of memory, in the order in which it is used.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/value_tables.h"

namespace aquilon::quant {

enum class Header : std::uint8_t {
  kScale,
  kScaleMin,
  kNested,
  kHalves,
  kHalvesMin,
  kSigned,
  kSignedHalves,
  kPowers,
  kSmallFloats
};

// In the order of kPackings.
enum class Packing : std::uint8_t {
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ8_0,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kQ2_K,
  kQ3_K,
  kTQ2_0,  // and TQ1_0
  kIQ4_NL,
  kIQ4_XS,
  kIQ3_S,
  kIQ3_XXS,
  kIQ2_S,  // and IQ2_XS
  kIQ2_XXS,
  kIQ1_M,
  kIQ1_S,
  kMXFP4,
  kNVFP4
};

struct PackingInfo {
  const char* name;
  int bits;   // of a code: 2, 3, 4, 5, 6 or 8
  int width;  // of a quant
  int zero;   // a power of two; 0: none
  Header header;
  Table table = Table::kNone;
};

static constexpr PackingInfo with_table(const char* name, int bits, Header header, Table table) {
  return {name, bits, value_table(table).width, value_table(table).zero, header, table};
}

static constexpr PackingInfo kPackings[] = {
    {"Q4_0", 4, 4, 8, Header::kScale},
    {"Q4_1", 4, 4, 0, Header::kScaleMin},
    {"Q5_0", 5, 5, 16, Header::kScale},
    {"Q5_1", 5, 5, 0, Header::kScaleMin},
    {"Q8_0", 8, 8, 128, Header::kScale},
    {"Q4_K", 4, 4, 0, Header::kNested},
    {"Q5_K", 5, 5, 0, Header::kNested},
    {"Q6_K", 6, 6, 32, Header::kHalves},
    {"Q2_K", 2, 2, 0, Header::kHalvesMin},
    {"Q3_K", 3, 3, 4, Header::kHalves},
    {"TQ2_0", 2, 2, 1, Header::kScale},
    with_table("IQ4_NL", 4, Header::kScale, Table::kIQ4),
    with_table("IQ4_XS", 4, Header::kSigned, Table::kIQ4),
    with_table("IQ3_S", 4, Header::kSigned, Table::kIQ3_S),
    with_table("IQ3_XXS", 4, Header::kSigned, Table::kIQ3_XXS),
    with_table("IQ2_S", 3, Header::kSignedHalves, Table::kIQ2),
    with_table("IQ2_XXS", 3, Header::kSigned, Table::kIQ2),
    with_table("IQ1_M", 3, Header::kSignedHalves, Table::kIQ1),
    with_table("IQ1_S", 3, Header::kSigned, Table::kIQ1),
    with_table("MXFP4", 4, Header::kPowers, Table::kE2M1),
    with_table("NVFP4", 4, Header::kSmallFloats, Table::kE2M1),
};
static constexpr int kPackingCount = sizeof kPackings / sizeof kPackings[0];
static_assert(kPackingCount == static_cast<int>(Packing::kNVFP4) + 1);

static constexpr std::size_t kGroupRows = 16;
static constexpr std::size_t kTileColumns = 32;
static constexpr std::size_t kChunkColumns = 256;

static constexpr const PackingInfo& packing_info(Packing packing) {
  return kPackings[static_cast<int>(packing)];
}

// Scales for each half of a tile, as whole numbers unless kSmallFloats.
static constexpr bool in_halves(Header header) {
  return header == Header::kHalves || header == Header::kHalvesMin ||
         header == Header::kSignedHalves || header == Header::kSmallFloats;
}

// Where tile t of a header's own part begins, and the whole header's size for `tiles` tiles.
static constexpr std::size_t header_tile(Header header, std::size_t tile) {
  switch (header) {
    case Header::kScale:
    case Header::kSmallFloats:
      return 32 * tile;
    case Header::kScaleMin:
      return 64 * tile;
    case Header::kNested:
    case Header::kHalves:
    case Header::kHalvesMin:
    case Header::kSignedHalves:
      return 64 + 32 * tile;
    case Header::kSigned:
      return 64 + 16 * tile;
    case Header::kPowers:
      return 16 * tile;
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
  const PackingInfo& info = packing_info(packing);
  return tiles == 0 ? 0 : header_bytes(info.header, tiles) + tiles * tile_bytes(info.bits);
}

// Bytes of 16 rows of `columns` columns, a multiple of 32.
static constexpr std::size_t group_bytes(Packing packing, std::size_t columns) {
  return columns / kChunkColumns * chunk_bytes(packing, kChunkColumns / kTileColumns) +
         chunk_bytes(packing, columns % kChunkColumns / kTileColumns);
}

}  // namespace aquilon::quant
