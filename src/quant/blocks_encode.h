// f32 values to stored blocks, in plain loops for translation units of any instruction set: what
// quant/blocks_decode.h reads. All sets give the same bits. Blocks of 32 here, those of 256 in
// quant/blocks_encode_k.h.
//
// Every encoder takes n finite values (a multiple of the block size) and their importances (null:
// all alike), and gives the blocks whose decoded values leave about the least sum of importance
// times squared error. It returns false where a scale is more than a half can hold.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/encode_fit.h"
#include "quant/halves_encode.h"

namespace aquilon::quant::blocks {
namespace {

static inline bool encode_f16(const float* x, std::size_t n, unsigned char* out) {
  std::uint32_t infinite = 0;
  std::size_t i = 0;
#ifdef __F16C__
  for (; i + 8 <= n; i += 8)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 2 * i),
                     _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
#endif
  for (; i < n; ++i) store_u16(out + 2 * i, float_to_half(x[i]));
  for (i = 0; i < n; ++i) infinite |= is_finite_half(load_u16(out + 2 * i)) ? 0u : 1u;
  return infinite == 0;
}

static inline bool encode_bf16(const float* x, std::size_t n, unsigned char* out) {
  std::uint32_t infinite = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint16_t bits = float_to_bfloat(x[i]);
    infinite |= (bits & 0x7f80u) == 0x7f80u ? 1u : 0u;
    store_u16(out + 2 * i, bits);
  }
  return infinite == 0;
}

// A type of 32 values: a half d, perhaps a half m, perhaps 32 fifth bits, then nibbles or bytes.
struct SmallType {
  std::size_t block_bytes;
  int zero;  // what is added to q when it is stored
  bool has_min, has_fifth, is_bytes;
};

// One block from its q (stored form, 0 to 255).
static inline void put_small_block(const SmallType& type, const unsigned char* q, std::uint16_t d,
                                   std::uint16_t m, unsigned char* out) {
  store_u16(out, d);
  out += 2;
  if (type.has_min) {
    store_u16(out, m);
    out += 2;
  }
  if (type.has_fifth) {
    std::uint32_t fifth = 0;
    for (int j = 0; j < 32; ++j) fifth |= static_cast<std::uint32_t>(q[j] >> 4 & 1) << j;
    std::memcpy(out, &fifth, sizeof fifth);
    out += 4;
  }
  if (type.is_bytes) {
    std::memcpy(out, q, 32);
    return;
  }
  for (int j = 0; j < 16; ++j)
    out[j] = static_cast<unsigned char>((q[j] & 15) | (q[j + 16] & 15) << 4);
}

// Halves of sixteen numbers, and the numbers as they will be read. Scales do not vanish, offsets
// may. False for infinity.
static inline bool round_halves(Lanes& a, bool are_scales, std::uint16_t* halves) {
  float values[kLanes];
  store(values, a);
  bool finite = true;
  for (int l = 0; l < kLanes; ++l) {
    halves[l] = float_to_half(are_scales ? rounded_scale(values[l]) : values[l]);
    values[l] = half_to_float(halves[l]);
    finite &= is_finite_half(halves[l]);
  }
  a = load(values);
  return finite;
}

// The q of the groups for rounded scales, in the stored form: q[group][value].
static inline void code_groups(const Groups& g, const Lanes& d, const Lanes& m, float low,
                               float high, int zero, unsigned char (*q)[32]) {
  const Lanes inverse = inverse_of(d);
  for (int j = 0; j < 32; ++j) {
    float codes[kLanes];
    store(codes, nearest_within((g.x[j] - m) * inverse, all(low), all(high)) +
                     all(static_cast<float>(zero)));
    for (int l = 0; l < kLanes; ++l)
      q[l][j] = static_cast<unsigned char>(static_cast<int>(codes[l]));
  }
}

static inline bool put_groups(const SmallType& type, const Groups& g, Lanes d, Lanes m, float low,
                              float high, int groups, unsigned char* out) {
  std::uint16_t d_half[kLanes], m_half[kLanes] = {};
  unsigned char q[kLanes][32];
  if (!round_halves(d, true, d_half)) return false;
  if (type.has_min && !round_halves(m, false, m_half)) return false;
  code_groups(g, d, m, low, high, type.zero, q);
  for (int l = 0; l < groups; ++l)
    put_small_block(type, q[l], d_half[l], m_half[l],
                    out + static_cast<std::size_t>(l) * type.block_bytes);
  return true;
}

// fit(groups): the d and m of each.
template <class Fit>
static inline bool encode_small(const SmallType& type, float low, float high, const float* x,
                                const float* w, std::size_t n, unsigned char* out, const Fit& fit) {
  while (n != 0) {
    const int groups = n < 512 ? static_cast<int>(n / 32) : kLanes;
    const auto taken = static_cast<std::size_t>(groups) * 32;
    Groups g;
    gather(x, w, groups, 32, g);
    const AffineFit found = fit(g);
    if (!put_groups(type, g, found.d, found.m, low, high, groups, out)) return false;
    x += taken;
    w += w == nullptr ? 0 : taken;
    n -= taken;
    out += static_cast<std::size_t>(groups) * type.block_bytes;
  }
  return true;
}

static inline bool encode_symmetric(const SmallType& type, const Symmetric& search, const float* x,
                                    const float* w, std::size_t n, unsigned char* out) {
  return encode_small(type, search.low, search.high, x, w, n, out, [&](const Groups& g) {
    return AffineFit{fit_symmetric(search, g), all(0)};
  });
}

static inline bool encode_affine(const SmallType& type, const Affine& search, const float* x,
                                 const float* w, std::size_t n, unsigned char* out) {
  return encode_small(type, 0, search.high, x, w, n, out,
                      [&](const Groups& g) { return fit_affine(search, g); });
}

static inline bool encode_q4_0(const float* x, const float* w, std::size_t n, unsigned char* out) {
  static const SmallType type{18, 8, false, false, false};
  static const Symmetric search{32, -8, 7, {4, 0.25f, 22}, {4, 0.25f, 18}, 2};
  return encode_symmetric(type, search, x, w, n, out);
}

static inline bool encode_q5_0(const float* x, const float* w, std::size_t n, unsigned char* out) {
  static const SmallType type{22, 16, false, true, false};
  static const Symmetric search{32, -16, 15, {11, 0.25f, 27}, {11, 0.25f, 23}, 2, true};
  return encode_symmetric(type, search, x, w, n, out);
}

static inline bool encode_q8_0(const float* x, const float* w, std::size_t n, unsigned char* out) {
  static const SmallType type{34, 0, false, false, true};
  static const Symmetric search{32, -127, 127, {127, 1, 1}, {117, 0.5f, 21}, 1, true};
  return encode_symmetric(type, search, x, w, n, out);
}

static inline bool encode_q4_1(const float* x, const float* w, std::size_t n, unsigned char* out) {
  static const SmallType type{20, 0, true, false, false};
  static const Affine search{32, 15, false, {12, 0.5f, 11}, {-1, 0.25f, 5}, 2};
  return encode_affine(type, search, x, w, n, out);
}

static inline bool encode_q5_1(const float* x, const float* w, std::size_t n, unsigned char* out) {
  static const SmallType type{24, 0, true, true, false};
  static const Affine search{32, 31, false, {27, 0.5f, 12}, {-1, 0.25f, 5}, 2};
  return encode_affine(type, search, x, w, n, out);
}

}  // namespace
}  // namespace aquilon::quant::blocks
