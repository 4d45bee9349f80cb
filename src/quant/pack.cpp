#include "quant/pack.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "quant/blocks_load.h"
#include "quant/row_chunk_internal.h"

namespace aquilon::quant {
namespace {

using blocks::load_u32;
using Byte = unsigned char;

void put_u16(Byte* at, std::uint16_t v) {
  std::memcpy(at, &v, sizeof v);
}
void put_u32(Byte* at, std::uint32_t v) {
  std::memcpy(at, &v, sizeof v);
}

void put_header(Header header, const RowChunk& c, std::size_t tiles, std::size_t row, Byte* out) {
  const bool wide = header == Header::kSigned || header == Header::kSignedHalves;
  const bool minima = header == Header::kNested || header == Header::kHalvesMin;
  if (wide) std::memcpy(out + 4 * row, &c.wide_d, sizeof c.wide_d);
  if (minima || header == Header::kHalves) put_u16(out + 2 * row, c.d[0]);
  if (minima) put_u16(out + 32 + 2 * row, c.m[0]);
  for (std::size_t t = 0; t < tiles; ++t) {
    Byte* at = out + header_tile(header, t);
    switch (header) {
      case Header::kScaleMin:
        put_u16(at + 32 + 2 * row, c.m[t]);
        [[fallthrough]];
      case Header::kScale:
        put_u16(at + 2 * row, c.d[t]);
        break;
      case Header::kNested:
        at[16 + row] = c.min[t];
        [[fallthrough]];
      case Header::kSigned:
      case Header::kPowers:
        at[row] = c.scale[t];
        break;
      case Header::kHalves:
      case Header::kHalvesMin:
      case Header::kSignedHalves:
      case Header::kSmallFloats:
        std::memcpy(at + 2 * row, c.halves + 2 * t, 2);
        break;
    }
  }
}

// One row of one tile; `out` is the row's four bytes of the tile's first line. Four columns at
// once: bytes of a word do not carry into each other, since every code is masked first.
void put_pairs(const std::uint32_t (&word)[8], int shift, Byte* out) {
  for (int h = 0; h < 2; ++h) {
    std::uint32_t line = 0;
    for (int g = 0; g < 4; ++g) line |= (word[4 * h + g] >> shift & 0x03030303u) << 2 * g;
    put_u32(out + 64 * h, line);
  }
}
void put_bits(const std::uint32_t (&word)[8], int shift, Byte* out) {
  std::uint32_t line = 0;
  for (int g = 0; g < 8; ++g) line |= (word[g] >> shift & 0x01010101u) << g;
  put_u32(out, line);
}
void put_quants(int bits, const Byte* q, Byte* out) {
  std::uint32_t word[8];
  for (int g = 0; g < 8; ++g) word[g] = load_u32(q + 4 * g);
  if (bits == 8) {
    for (int g = 0; g < 8; ++g) put_u32(out + 64 * g, word[g]);
    return;
  }
  if (bits < 4) {
    put_pairs(word, 0, out);
    if (bits == 3) put_bits(word, 2, out + 128);
    return;
  }
  for (int j = 0; j < 4; ++j)
    put_u32(out + 64 * j, (word[2 * j] & 0x0f0f0f0fu) | (word[2 * j + 1] & 0x0f0f0f0fu) << 4);
  if (bits == 5) put_bits(word, 4, out + 256);
  if (bits == 6) put_pairs(word, 4, out + 256);
}

// A row's part of a chunk. `from`: its blocks; `out`: the chunk
void pack_chunk(tensor::DType type, const PackingInfo& info, const Byte* from, std::size_t tiles,
                std::size_t row, Byte* out) {
  RowChunk chunk;
  read_chunk(type, from, tiles, chunk);
  put_header(info.header, chunk, tiles, row, out);
  out += header_bytes(info.header, tiles) + 4 * row;
  for (std::size_t t = 0; t < tiles; ++t, out += tile_bytes(info.bits))
    put_quants(info.bits, chunk.q + kTileColumns * t, out);
}

}  // namespace

std::optional<Packing> packing_of(tensor::DType type) {
  using tensor::DType;
  switch (type) {
    case DType::kQ4_0:
      return Packing::kQ4_0;
    case DType::kQ4_1:
      return Packing::kQ4_1;
    case DType::kQ5_0:
      return Packing::kQ5_0;
    case DType::kQ5_1:
      return Packing::kQ5_1;
    case DType::kQ8_0:
      return Packing::kQ8_0;
    case DType::kQ4_K:
      return Packing::kQ4_K;
    case DType::kQ5_K:
      return Packing::kQ5_K;
    case DType::kQ6_K:
      return Packing::kQ6_K;
    case DType::kQ2_K:
      return Packing::kQ2_K;
    case DType::kQ3_K:
      return Packing::kQ3_K;
    case DType::kTQ1_0:
    case DType::kTQ2_0:
      return Packing::kTQ2_0;
    case DType::kIQ4_NL:
      return Packing::kIQ4_NL;
    case DType::kIQ4_XS:
      return Packing::kIQ4_XS;
    case DType::kIQ3_S:
      return Packing::kIQ3_S;
    case DType::kIQ3_XXS:
      return Packing::kIQ3_XXS;
    case DType::kIQ2_S:
    case DType::kIQ2_XS:
      return Packing::kIQ2_S;
    case DType::kIQ2_XXS:
      return Packing::kIQ2_XXS;
    case DType::kIQ1_M:
      return Packing::kIQ1_M;
    case DType::kIQ1_S:
      return Packing::kIQ1_S;
    case DType::kMXFP4:
      return Packing::kMXFP4;
    case DType::kNVFP4:
      return Packing::kNVFP4;
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kF8_E4M3:
    case DType::kF8_E4M3_B128:
      break;
  }
  return std::nullopt;
}

std::size_t packed_bytes(const tensor::MatrixView& matrix) {
  const auto packing = packing_of(matrix.dtype);
  AQ_CHECK(packing.has_value());
  return (matrix.rows + kGroupRows - 1) / kGroupRows * group_bytes(*packing, matrix.columns);
}

void pack_groups(const tensor::MatrixView& matrix, std::size_t begin, std::size_t end,
                 std::byte* out) noexcept {
  const Packing packing = *packing_of(matrix.dtype);
  const std::size_t chunk_in = tensor::row_bytes(matrix.dtype, kChunkColumns);
  auto* to = reinterpret_cast<Byte*>(out) + begin * group_bytes(packing, matrix.columns);
  for (std::size_t row = begin * kGroupRows; row < end * kGroupRows; row += kGroupRows) {
    const std::size_t rows = std::min(kGroupRows, matrix.rows - row);
    const auto* from = reinterpret_cast<const Byte*>(matrix.row(row));
    for (std::size_t k = 0; k < matrix.columns; k += kChunkColumns, from += chunk_in) {
      const std::size_t tiles = std::min(matrix.columns - k, kChunkColumns) / kTileColumns;
      for (std::size_t r = 0; r < rows; ++r)
        pack_chunk(matrix.dtype, packing_info(packing), from + r * matrix.row_stride(), tiles, r,
                   to);
      to += chunk_bytes(packing, tiles);
    }
  }
}

}  // namespace aquilon::quant
