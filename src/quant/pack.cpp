#include "quant/pack.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "quant/blocks_decode.h"

namespace aquilon::quant {
namespace {

using blocks::load_u16;
using blocks::load_u32;
using Byte = unsigned char;

constexpr std::size_t kTiles = kChunkColumns / kTileColumns;

// Up to 256 columns of one row, as numbers.
struct RowChunk {
  Byte q[kChunkColumns];
  std::uint16_t d[kTiles], m[kTiles];  // halves of each tile, or [0] of the whole chunk
  Byte scale[kTiles], min[kTiles];
  signed char half_scale[2 * kTiles];
};

void put_u16(Byte* at, std::uint16_t v) {
  std::memcpy(at, &v, sizeof v);
}
void put_u32(Byte* at, std::uint32_t v) {
  std::memcpy(at, &v, sizeof v);
}

void nibbles(const Byte* x, Byte* q) {
  for (int j = 0; j < 16; ++j) q[j] = x[j] & 15;
  for (int j = 0; j < 16; ++j) q[j + 16] = x[j] >> 4;
}

// Adds 16 to q[j] where bit j of the mask is set. The product puts four neighbouring bits into four
// bytes: copies moved by 0, 7, 14 and 21.
void fifth_bits(std::uint32_t mask, Byte* q) {
  for (int j = 0; j < 32; j += 4, mask >>= 4) {
    const std::uint32_t bits = (mask & 15u) * 0x00204081u & 0x01010101u;
    put_u32(q + j, load_u32(q + j) | bits << 4);
  }
}

// Blocks of 32: each function reads one tile. Byte layouts are told in blocks_decode.h.
std::size_t read_q4_0(const Byte* x, std::size_t t, RowChunk& c) {
  c.d[t] = load_u16(x);
  nibbles(x + 2, c.q + 32 * t);
  return 18;
}
std::size_t read_q4_1(const Byte* x, std::size_t t, RowChunk& c) {
  c.d[t] = load_u16(x);
  c.m[t] = load_u16(x + 2);
  nibbles(x + 4, c.q + 32 * t);
  return 20;
}
std::size_t read_q5_0(const Byte* x, std::size_t t, RowChunk& c) {
  c.d[t] = load_u16(x);
  nibbles(x + 6, c.q + 32 * t);
  fifth_bits(load_u32(x + 2), c.q + 32 * t);
  return 22;
}
std::size_t read_q5_1(const Byte* x, std::size_t t, RowChunk& c) {
  c.d[t] = load_u16(x);
  c.m[t] = load_u16(x + 2);
  nibbles(x + 8, c.q + 32 * t);
  fifth_bits(load_u32(x + 4), c.q + 32 * t);
  return 24;
}
std::size_t read_q8_0(const Byte* x, std::size_t t, RowChunk& c) {
  c.d[t] = load_u16(x);
  for (int j = 0; j < 32; ++j) c.q[32 * t + static_cast<std::size_t>(j)] = x[2 + j] ^ 0x80;
  return 34;
}

// Blocks of 256: each function reads a whole chunk.
void read_nested_scales(const Byte* x, RowChunk& c) {
  c.d[0] = load_u16(x);
  c.m[0] = load_u16(x + 2);
  const Byte* p = x + 4;
  for (int j = 0; j < 4; ++j) {
    c.scale[j] = p[j] & 63;
    c.min[j] = p[j + 4] & 63;
    c.scale[j + 4] = static_cast<Byte>((p[j + 8] & 15) | (p[j] >> 6 << 4));
    c.min[j + 4] = static_cast<Byte>((p[j + 8] >> 4) | (p[j + 4] >> 6 << 4));
  }
}
void read_paired_nibbles(const Byte* x, Byte* q) {
  for (int pair = 0; pair < 4; ++pair, x += 32, q += 64) {
    for (int j = 0; j < 32; ++j) q[j] = x[j] & 15;
    for (int j = 0; j < 32; ++j) q[j + 32] = x[j] >> 4;
  }
}
void read_q4_k(const Byte* x, RowChunk& c) {
  read_nested_scales(x, c);
  read_paired_nibbles(x + 16, c.q);
}
void read_q5_k(const Byte* x, RowChunk& c) {
  read_nested_scales(x, c);
  read_paired_nibbles(x + 48, c.q);
  for (int g = 0; g < 8; ++g)
    for (int j = 0; j < 32; ++j)
      c.q[32 * g + j] = static_cast<Byte>(c.q[32 * g + j] | (x[16 + j] >> g & 1) << 4);
}
void read_q6_k(const Byte* x, RowChunk& c) {
  c.d[0] = load_u16(x + 208);
  std::memcpy(c.half_scale, x + 192, sizeof c.half_scale);
  for (int half = 0; half < 2; ++half)
    for (int quarter = 0; quarter < 4; ++quarter) {
      const Byte* low = x + 64 * half + 32 * (quarter & 1);
      const Byte* top = x + 128 + 32 * half;
      Byte* q = c.q + 128 * half + 32 * quarter;
      for (int j = 0; j < 32; ++j)
        q[j] = static_cast<Byte>((low[j] >> 4 * (quarter >> 1) & 15) | (top[j] >> 2 * quarter & 3)
                                                                           << 4);
    }
}

// Returns the block's bytes.
std::size_t read_tile(Packing packing, const Byte* x, std::size_t tile, RowChunk& c) {
  switch (packing) {
    case Packing::kQ4_0:
      return read_q4_0(x, tile, c);
    case Packing::kQ4_1:
      return read_q4_1(x, tile, c);
    case Packing::kQ5_0:
      return read_q5_0(x, tile, c);
    case Packing::kQ5_1:
      return read_q5_1(x, tile, c);
    case Packing::kQ8_0:
      return read_q8_0(x, tile, c);
    case Packing::kQ4_K:
    case Packing::kQ5_K:
    case Packing::kQ6_K:
      break;
  }
  return 0;
}

void read_chunk(Packing packing, const Byte* x, std::size_t tiles, RowChunk& c) {
  switch (packing) {
    case Packing::kQ4_K:
      return read_q4_k(x, c);
    case Packing::kQ5_K:
      return read_q5_k(x, c);
    case Packing::kQ6_K:
      return read_q6_k(x, c);
    default:
      for (std::size_t t = 0; t < tiles; ++t) x += read_tile(packing, x, t, c);
  }
}

void put_header(Header header, const RowChunk& c, std::size_t tiles, std::size_t row, Byte* out) {
  if (header == Header::kNested || header == Header::kHalves) put_u16(out + 2 * row, c.d[0]);
  if (header == Header::kNested) put_u16(out + 32 + 2 * row, c.m[0]);
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
        at[row] = c.scale[t];
        at[16 + row] = c.min[t];
        break;
      case Header::kHalves:
        std::memcpy(at + 2 * row, c.half_scale + 2 * t, 2);
        break;
    }
  }
}

// One row of one tile; `out` is the row's four bytes of the tile's first line. Four columns at
// once: bytes of a word do not carry into each other, since every quant is masked first.
void put_quants(int bits, const Byte* q, Byte* out) {
  std::uint32_t word[8];
  for (int g = 0; g < 8; ++g) word[g] = load_u32(q + 4 * g);
  if (bits == 8) {
    for (int g = 0; g < 8; ++g) put_u32(out + 64 * g, word[g]);
    return;
  }
  for (int j = 0; j < 4; ++j)
    put_u32(out + 64 * j, (word[2 * j] & 0x0f0f0f0fu) | (word[2 * j + 1] & 0x0f0f0f0fu) << 4);
  if (bits == 5) {
    std::uint32_t line = 0;
    for (int g = 0; g < 8; ++g) line |= (word[g] >> 4 & 0x01010101u) << g;
    put_u32(out + 256, line);
  }
  if (bits == 6)
    for (int h = 0; h < 2; ++h) {
      std::uint32_t line = 0;
      for (int g = 0; g < 4; ++g) line |= (word[4 * h + g] >> 4 & 0x03030303u) << 2 * g;
      put_u32(out + 256 + 64 * h, line);
    }
}

// A row's part of a chunk. `from`: its blocks; `out`: the chunk
void pack_chunk(Packing packing, const Byte* from, std::size_t tiles, std::size_t row, Byte* out) {
  const PackingInfo info = packing_info(packing);
  RowChunk chunk;
  read_chunk(packing, from, tiles, chunk);
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
    default:
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
        pack_chunk(packing, from + r * matrix.row_stride(), tiles, r, to);
      to += chunk_bytes(packing, tiles);
    }
  }
}

}  // namespace aquilon::quant
