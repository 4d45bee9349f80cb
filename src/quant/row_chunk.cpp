#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "quant/blocks_codes.h"
#include "quant/row_chunk_internal.h"

namespace aquilon::quant {
namespace {

using blocks::load_u16;
using blocks::load_u32;
using tensor::DType;
using Byte = unsigned char;

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

std::size_t read_mxfp4(const Byte* x, std::size_t t, RowChunk& c) {
  c.scale[t] = x[0];
  nibbles(x + 1, c.q + 32 * t);
  return 17;
}

// Two tiles.
void read_nvfp4(const Byte* x, std::size_t t, RowChunk& c) {
  for (std::size_t g = 0; g < 4; ++g) {
    c.halves[2 * t + g] = blocks::small_scale(x[g]);
    const Byte* nibble = x + 4 + 8 * g;
    Byte* q = c.q + 32 * t + 16 * g;
    for (int j = 0; j < 8; ++j) q[j] = nibble[j] & 15;
    for (int j = 0; j < 8; ++j) q[j + 8] = nibble[j] >> 4;
  }
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
  std::memcpy(c.halves, x + 192, sizeof c.halves);
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
void read_coded(const blocks::CodedType& type, const Byte* x, RowChunk& c) {
  blocks::Codes codes{};
  type.read(x, codes);
  std::memcpy(c.q, codes.code, sizeof c.q);
  std::fill_n(c.d, kChunkTiles, codes.d);
  c.m[0] = codes.dmin;
  c.wide_d = blocks::half_to_float(codes.d) * type.unit;
  for (std::size_t t = 0; t < kChunkTiles; ++t) c.scale[t] = static_cast<Byte>(codes.scale[2 * t]);
  for (std::size_t g = 0; g < 2 * kChunkTiles; ++g)
    c.halves[g] = static_cast<Byte>(codes.scale[g] | codes.min[g] << 4);
}

// Returns the block's bytes.
std::size_t read_tile(DType type, const Byte* x, std::size_t tile, RowChunk& c) {
  switch (type) {
    case DType::kQ4_0:
    case DType::kIQ4_NL:
      return read_q4_0(x, tile, c);
    case DType::kQ4_1:
      return read_q4_1(x, tile, c);
    case DType::kQ5_0:
      return read_q5_0(x, tile, c);
    case DType::kQ5_1:
      return read_q5_1(x, tile, c);
    case DType::kQ8_0:
      return read_q8_0(x, tile, c);
    case DType::kMXFP4:
      return read_mxfp4(x, tile, c);
    default:
      return 0;
  }
}

}  // namespace

void read_chunk(DType type, const unsigned char* x, std::size_t tiles, RowChunk& c) noexcept {
  switch (type) {
    case DType::kQ4_K:
      return read_q4_k(x, c);
    case DType::kQ5_K:
      return read_q5_k(x, c);
    case DType::kQ6_K:
      return read_q6_k(x, c);
    case DType::kNVFP4:
      for (std::size_t t = 0; t < tiles; t += 2, x += 36) read_nvfp4(x, t, c);
      return;
    default:
      break;
  }
  if (const auto* coded = blocks::find_coded_type(static_cast<std::uint32_t>(type)))
    return read_coded(*coded, x, c);
  for (std::size_t t = 0; t < tiles; ++t) {
    const std::size_t bytes = read_tile(type, x, t, c);
    AQ_CHECK(bytes > 0);  // a type without a packing
    x += bytes;
  }
}

}  // namespace aquilon::quant
