// The meaning of every stored block type in plain loops, for translation units of any instruction
// set: the portable decode.cpp and the kernels' per-set files compile the same text, so all agree
// bit for bit (given -ffp-contract=off: a product is rounded before it is added to).
//
// Only C headers, only static functions: nothing here can leave a weak symbol in an object file.
// Inner loops are counted and free of branches, so that the compiler vectorises them; those of 16
// steps carry a pragma, since GCC would unroll them whole first and end at a quarter of the speed.
//
// Every decode_blocks_TYPE takes n values (a multiple of the block size) at any alignment.
// Quantised values are small integers q; halves d, m, dmin scale them. Byte layouts stand above
// each function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "quant/blocks_codes.h"
#include "quant/blocks_load.h"

namespace aquilon::quant::blocks {

static inline void decode_blocks_f32(const unsigned char* x, std::size_t n, float* out) noexcept {
  std::memcpy(out, x, n * sizeof(float));
}

static inline void decode_blocks_f16(const unsigned char* __restrict x, std::size_t n,
                                     float* __restrict out) noexcept {
#ifdef __F16C__
  for (; n >= 8; n -= 8, x += 16, out += 8) {
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x));
    _mm256_storeu_ps(out, _mm256_cvtph_ps(halves));
  }
#endif
  for (std::size_t i = 0; i < n; ++i) out[i] = load_half(x + 2 * i);
}

static inline void decode_blocks_bf16(const unsigned char* __restrict x, std::size_t n,
                                      float* __restrict out) noexcept {
  for (std::size_t i = 0; i < n; ++i) out[i] = bfloat_to_float(load_u16(x + 2 * i));
}

// 32 values in 18 bytes: d, then 16 bytes: byte j holds value j (low nibble) and j + 16 (high).
static inline void decode_blocks_q4_0(const unsigned char* __restrict x, std::size_t n,
                                      float* __restrict out) noexcept {
  for (; n != 0; n -= 32, x += 18, out += 32) {
    const float d = load_half(x);
    const unsigned char* q = x + 2;
#pragma GCC unroll 1
    for (int j = 0; j < 16; ++j) out[j] = d * static_cast<float>((q[j] & 15) - 8);
#pragma GCC unroll 1
    for (int j = 0; j < 16; ++j) out[j + 16] = d * static_cast<float>((q[j] >> 4) - 8);
  }
}

// 20 bytes: d, m, nibbles as in Q4_0.
static inline void decode_blocks_q4_1(const unsigned char* __restrict x, std::size_t n,
                                      float* __restrict out) noexcept {
  for (; n != 0; n -= 32, x += 20, out += 32) {
    const float d = load_half(x);
    const float m = load_half(x + 2);
    const unsigned char* q = x + 4;
#pragma GCC unroll 1
    for (int j = 0; j < 16; ++j) out[j] = d * static_cast<float>(q[j] & 15) + m;
#pragma GCC unroll 1
    for (int j = 0; j < 16; ++j) out[j + 16] = d * static_cast<float>(q[j] >> 4) + m;
  }
}

// The fifth bits of 32 values, one a bit of `mask`, moved to where they belong: 0 or 16.
static inline void expand_fifth_bits(std::uint32_t mask, std::int32_t* __restrict fifth) noexcept {
  for (unsigned j = 0; j < 32; ++j) fifth[j] = static_cast<std::int32_t>((mask >> j & 1u) << 4);
}

// 22 bytes: d, 32 fifth bits, nibbles as in Q4_0.
static inline void decode_blocks_q5_0(const unsigned char* __restrict x, std::size_t n,
                                      float* __restrict out) noexcept {
  for (; n != 0; n -= 32, x += 22, out += 32) {
    const float d = load_half(x);
    const unsigned char* q = x + 6;
    std::int32_t fifth[32];
    expand_fifth_bits(load_u32(x + 2), fifth);
#pragma GCC unroll 1
    for (int j = 0; j < 16; ++j) out[j] = d * static_cast<float>(((q[j] & 15) | fifth[j]) - 16);
#pragma GCC unroll 1
    for (int j = 0; j < 16; ++j)
      out[j + 16] = d * static_cast<float>(((q[j] >> 4) | fifth[j + 16]) - 16);
  }
}

// 24 bytes: d, m, 32 fifth bits, nibbles as in Q4_0.
static inline void decode_blocks_q5_1(const unsigned char* __restrict x, std::size_t n,
                                      float* __restrict out) noexcept {
  for (; n != 0; n -= 32, x += 24, out += 32) {
    const float d = load_half(x);
    const float m = load_half(x + 2);
    const unsigned char* q = x + 8;
    std::int32_t fifth[32];
    expand_fifth_bits(load_u32(x + 4), fifth);
#pragma GCC unroll 1
    for (int j = 0; j < 16; ++j) out[j] = d * static_cast<float>((q[j] & 15) | fifth[j]) + m;
#pragma GCC unroll 1
    for (int j = 0; j < 16; ++j)
      out[j + 16] = d * static_cast<float>((q[j] >> 4) | fifth[j + 16]) + m;
  }
}

// 34 bytes: d, 32 signed bytes.
static inline void decode_blocks_q8_0(const unsigned char* __restrict x, std::size_t n,
                                      float* __restrict out) noexcept {
  for (; n != 0; n -= 32, x += 34, out += 32) {
    const float d = load_half(x);
    const unsigned char* q = x + 2;
    for (int j = 0; j < 32; ++j) out[j] = d * static_cast<float>(static_cast<signed char>(q[j]));
  }
}

// The eight 6-bit scales and eight 6-bit minima of a Q4_K or Q5_K block out of their 12 bytes: the
// first four of each in the low six bits of bytes 0-3 and 4-7; of the last four, the low four bits
// in the nibbles of bytes 8-11 and the high two in the top bits of bytes 0-3 and 4-7.
static inline void unpack_k_scales(const unsigned char* p, float d, float dmin, float* scale,
                                   float* min) noexcept {
  for (int j = 0; j < 4; ++j) {
    scale[j] = d * static_cast<float>(p[j] & 63);
    min[j] = dmin * static_cast<float>(p[j + 4] & 63);
    scale[j + 4] = d * static_cast<float>((p[j + 8] & 15) | (p[j] >> 6 << 4));
    min[j + 4] = dmin * static_cast<float>((p[j + 8] >> 4) | (p[j + 4] >> 6 << 4));
  }
}

// 256 values in 144 bytes: d, dmin, 12 bytes of scales and minima for 8 groups of 32, 128 bytes of
// nibbles: each 32 bytes hold one group in their low and the next in their high nibbles.
static inline void decode_blocks_q4_k(const unsigned char* __restrict x, std::size_t n,
                                      float* __restrict out) noexcept {
  for (; n != 0; n -= 256, x += 144) {
    float scale[8], min[8];
    unpack_k_scales(x + 4, load_half(x), load_half(x + 2), scale, min);
    const unsigned char* q = x + 16;
    for (int g = 0; g < 8; g += 2, q += 32, out += 64) {
      const float d0 = scale[g], m0 = min[g], d1 = scale[g + 1], m1 = min[g + 1];
      for (int j = 0; j < 32; ++j) out[j] = d0 * static_cast<float>(q[j] & 15) - m0;
      for (int j = 0; j < 32; ++j) out[j + 32] = d1 * static_cast<float>(q[j] >> 4) - m1;
    }
  }
}

// 176 bytes: as Q4_K, with 32 bytes of fifth bits before the nibbles: bit g of byte j belongs to
// value j of group g.
static inline void decode_blocks_q5_k(const unsigned char* __restrict x, std::size_t n,
                                      float* __restrict out) noexcept {
  for (; n != 0; n -= 256, x += 176) {
    float scale[8], min[8];
    unpack_k_scales(x + 4, load_half(x), load_half(x + 2), scale, min);
    const unsigned char* high = x + 16;
    const unsigned char* q = x + 48;
    for (int g = 0; g < 8; g += 2, q += 32, out += 64) {
      const float d0 = scale[g], m0 = min[g], d1 = scale[g + 1], m1 = min[g + 1];
      for (int j = 0; j < 32; ++j)
        out[j] = d0 * static_cast<float>((q[j] & 15) | (high[j] >> g & 1) << 4) - m0;
      for (int j = 0; j < 32; ++j)
        out[j + 32] = d1 * static_cast<float>((q[j] >> 4) | (high[j] >> (g + 1) & 1) << 4) - m1;
    }
  }
}

// 16 values of a Q6_K block: `low` with the nibble at bit `low_shift`, `high` with the two upper
// bits at bit `high_shift`.
static inline void decode_q6_k_group(const unsigned char* __restrict low, int low_shift,
                                     const unsigned char* __restrict high, int high_shift, float d,
                                     float* __restrict out) noexcept {
#pragma GCC unroll 1
  for (int j = 0; j < 16; ++j) {
    const int q = (low[j] >> low_shift & 15) | (high[j] >> high_shift & 3) << 4;
    out[j] = d * static_cast<float>(q - 32);
  }
}

// 210 bytes: 128 bytes of low nibbles, 64 of high pairs, 16 signed scales for 16 values each, d.
// Each half of 128 values takes 64 low bytes (the first 64 values in low nibbles, the rest in high)
// and 32 high bytes (values j, j + 32, j + 64, j + 96 from bits 0, 2, 4, 6).
static inline void decode_blocks_q6_k(const unsigned char* __restrict x, std::size_t n,
                                      float* __restrict out) noexcept {
  for (; n != 0; n -= 256, x += 210) {
    const float d = load_half(x + 208);
    for (int g = 0; g < 16; ++g, out += 16) {  // groups of 16 in the order of values
      const int half = g >> 3, quarter = (g >> 1) & 3, part = g & 1;
      const unsigned char* low = x + 64 * half + 32 * (quarter & 1) + 16 * part;
      const unsigned char* high = x + 128 + 32 * half + 16 * part;
      const float scale = d * static_cast<float>(static_cast<signed char>(x[192 + g]));
      decode_q6_k_group(low, 4 * (quarter >> 1), high, 2 * quarter, scale, out);
    }
  }
}

// 17 bytes: e, then nibbles as in Q4_0: doubled E2M1 numbers.
static inline void decode_blocks_mxfp4(const unsigned char* __restrict x, std::size_t n,
                                       float* __restrict out) noexcept {
  for (; n != 0; n -= 32, x += 17, out += 32) {
    const float d = half_power(x[0]);
    for (int j = 0; j < 16; ++j) out[j] = d * value_of(Table::kE2M1, x[1 + j] & 15);
    for (int j = 0; j < 16; ++j) out[j + 16] = d * value_of(Table::kE2M1, x[1 + j] >> 4);
  }
}

// 64 values in 36 bytes: 4 scales, then 8 bytes of nibbles for each 16 values: byte j holds the
// values j and j + 8. A scale is an E4M3 number without its sign, and 0x7f is none.
static inline void decode_blocks_nvfp4(const unsigned char* __restrict x, std::size_t n,
                                       float* __restrict out) noexcept {
  for (; n != 0; n -= 64, x += 36)
    for (int g = 0; g < 4; ++g, out += 16) {
      const float d = small_float(small_scale(x[g])) * 128.0f;
      const unsigned char* q = x + 4 + 8 * g;
      for (int j = 0; j < 8; ++j) out[j] = d * value_of(Table::kE2M1, q[j] & 15);
      for (int j = 0; j < 8; ++j) out[j + 8] = d * value_of(Table::kE2M1, q[j] >> 4);
    }
}

// 18 bytes: as Q4_0, but a nibble is a place in a table.
static inline void decode_blocks_iq4_nl(const unsigned char* __restrict x, std::size_t n,
                                        float* __restrict out) noexcept {
  for (; n != 0; n -= 32, x += 18, out += 32) {
    const float d = load_half(x);
    for (int j = 0; j < 16; ++j) out[j] = d * value_of(Table::kIQ4, x[2 + j] & 15);
    for (int j = 0; j < 16; ++j) out[j + 16] = d * value_of(Table::kIQ4, x[2 + j] >> 4);
  }
}

static inline void decode_blocks_f8_e4m3(const unsigned char* __restrict x, std::size_t n,
                                         float* __restrict out) noexcept {
  for (std::size_t i = 0; i < n; ++i) out[i] = e4m3_to_float(x[i]);
}

// 132 bytes: an f32 factor, then 128 E4M3 numbers.
static inline void decode_blocks_f8_e4m3_b128(const unsigned char* __restrict x, std::size_t n,
                                              float* __restrict out) noexcept {
  for (; n != 0; n -= 128, x += 132, out += 128) {
    float factor;
    __builtin_memcpy(&factor, x, sizeof factor);
    for (int i = 0; i < 128; ++i) out[i] = factor * e4m3_to_float(x[4 + i]);
  }
}

// The types of blocks_codes.h.
static inline void decode_coded(const CodedType& type, const unsigned char* x, std::size_t n,
                                float* out) noexcept {
  Codes c;
  for (; n != 0; n -= 256, x += type.block_bytes) {
    type.read(x, c);
    const float unit = half_to_float(c.d) * type.unit;
    for (int g = 0; g < 16; ++g, out += 16) {
      const float d = unit * static_cast<float>(c.scale[g]);
      for (int j = 0; j < 16; ++j) {
        const int code = c.code[16 * g + j];
        out[j] = d * (type.table == Table::kNone ? static_cast<float>(code - type.zero)
                                                 : value_of(type.table, code));
      }
      if (type.has_min) {
        const float m = half_to_float(c.dmin) * static_cast<float>(c.min[g]);
        for (int j = 0; j < 16; ++j) out[j] -= m;
      }
    }
  }
}

// By the number of the type (tensor::DType). False, with nothing written, for a number that is none
// of ours.
static inline bool decode_any(std::uint32_t type, const unsigned char* x, std::size_t n,
                              float* out) noexcept {
  switch (type) {
    case 0:
      decode_blocks_f32(x, n, out);
      return true;
    case 1:
      decode_blocks_f16(x, n, out);
      return true;
    case 2:
      decode_blocks_q4_0(x, n, out);
      return true;
    case 3:
      decode_blocks_q4_1(x, n, out);
      return true;
    case 6:
      decode_blocks_q5_0(x, n, out);
      return true;
    case 7:
      decode_blocks_q5_1(x, n, out);
      return true;
    case 8:
      decode_blocks_q8_0(x, n, out);
      return true;
    case 12:
      decode_blocks_q4_k(x, n, out);
      return true;
    case 13:
      decode_blocks_q5_k(x, n, out);
      return true;
    case 14:
      decode_blocks_q6_k(x, n, out);
      return true;
    case 30:
      decode_blocks_bf16(x, n, out);
      return true;
    case 20:
      decode_blocks_iq4_nl(x, n, out);
      return true;
    case 39:
      decode_blocks_mxfp4(x, n, out);
      return true;
    case 40:
      decode_blocks_nvfp4(x, n, out);
      return true;
    case 0x10000:
      decode_blocks_f8_e4m3(x, n, out);
      return true;
    case 0x10001:
      decode_blocks_f8_e4m3_b128(x, n, out);
      return true;
    default:
      break;
  }
  const CodedType* coded = find_coded_type(type);
  if (coded != nullptr) decode_coded(*coded, x, n, out);
  return coded != nullptr;
}

}  // namespace aquilon::quant::blocks
