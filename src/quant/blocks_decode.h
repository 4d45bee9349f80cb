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

#ifdef __F16C__
#include <immintrin.h>
#endif

namespace aquilon::quant::blocks {

static inline std::uint16_t load_u16(const unsigned char* p) noexcept {
  std::uint16_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

static inline std::uint32_t load_u32(const unsigned char* p) noexcept {
  std::uint32_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

static inline float float_of_bits(std::uint32_t bits) noexcept {
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}

static inline std::uint32_t bits_of_float(float f) noexcept {
  std::uint32_t bits;
  std::memcpy(&bits, &f, sizeof bits);
  return bits;
}

// IEEE half to single by integer arithmetic; a signalling NaN becomes quiet, as in the instruction.
// Three cases computed side by side and selected: subnormals are em * 2^-24, exactly.
static inline float half_to_float_by_bits(std::uint16_t half) noexcept {
  const std::uint32_t em = half & 0x7fffu;
  const std::uint32_t normal = (em << 13) + (112u << 23);
  const std::uint32_t special = (em << 13) | 0x7f800000u | (em > 0x7c00u ? 0x400000u : 0u);
  const std::uint32_t subnormal =
      bits_of_float(static_cast<float>(static_cast<std::int32_t>(em)) * 0x1p-24f);
  std::uint32_t bits = em < 0x400u ? subnormal : normal;
  bits = em >= 0x7c00u ? special : bits;
  return float_of_bits(bits | (half & 0x8000u) << 16);
}

static inline float half_to_float(std::uint16_t half) noexcept {
#ifdef __F16C__
  return _cvtsh_ss(half);
#else
  return half_to_float_by_bits(half);
#endif
}

static inline float load_half(const unsigned char* p) noexcept {
  return half_to_float(load_u16(p));
}

static inline float bfloat_to_float(std::uint16_t bits) noexcept {
  return float_of_bits(static_cast<std::uint32_t>(bits) << 16);
}

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

// By GGUF's type number. False, with nothing written, for a number that is none of ours.
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
    default:
      return false;
  }
}

}  // namespace aquilon::quant::blocks
