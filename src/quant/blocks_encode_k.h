// The encoders of quant/blocks_encode.h for blocks of 256: groups whose scales are small integers
// times the block's own scale. Groups are fitted on their own first; then scales of block and
// groups take turns until neither changes the error.
#pragma once

#include "quant/blocks_encode.h"

namespace aquilon::quant::blocks {
namespace {

constexpr int kRounds = 3;  // of block scale and group scales, at most

// Sum over the `count` lanes from `first` on, in order.
static inline double sum_lanes(const Lanes& a, int first, int count) {
  float values[kLanes];
  store(values, a);
  double sum = 0;
  for (int l = first; l < first + count; ++l) sum += static_cast<double>(values[l]);
  return sum;
}

// The lane's value of largest magnitude among those of its block.
static inline float extreme_lane(const Lanes& a, int first, int count) {
  float values[kLanes];
  store(values, a);
  float most = values[first];
  for (int l = first; l < first + count; ++l) {
    const float v = values[l];
    if ((v < 0 ? -v : v) > (most < 0 ? -most : most)) most = v;
  }
  return most;
}

static inline void fill_lanes(Lanes& a, int first, int count, float v) {
  float values[kLanes];
  store(values, a);
  for (int l = first; l < first + count; ++l) values[l] = v;
  a = load(values);
}

// ---- Q4_K and Q5_K: x = (d scale) q - (dmin min), 8 groups of 32 a block, two blocks at a time.

struct NestedType {
  std::size_t block_bytes;
  Affine search;
  bool has_fifth;
};

// Of two blocks; d and dmin are the same in the eight lanes of a block.
struct Nested {
  Lanes d, dmin;
  Lanes scale, min;  // whole numbers 0 to 63
};

// What a group's q leaves, for given scales.
struct NestedSums {
  Lanes error, q, qq, xq;
};

static inline NestedSums nested_sums(const NestedType& type, const Groups& g, const Lanes& d,
                                     const Lanes& m) {
  const Lanes inverse = inverse_of(d), low = all(0), high = all(type.search.high);
  NestedSums s{low, low, low, low};
  for (int j = 0; j < 32; ++j) {
    const Lanes q = nearest_within((g.x[j] + m) * inverse, low, high);
    const Lanes wq = g.w[j] * q;
    const Lanes off = (g.x[j] + m) - d * q;
    s.error = s.error + g.w[j] * (off * off);
    s.q = s.q + wq;
    s.qq = s.qq + wq * q;
    s.xq = s.xq + wq * g.x[j];
  }
  return s;
}

struct GroupTotals {
  Lanes w, x;  // sums of w and of w x
};

static inline GroupTotals group_totals(const Groups& g, int n) {
  GroupTotals t{all(0), all(0)};
  for (int j = 0; j < n; ++j) {
    t.w = t.w + g.w[j];
    t.x = t.x + g.w[j] * g.x[j];
  }
  return t;
}

// The best whole scale and min of each group near those it has, for given d and dmin.
static inline void choose_nested(const NestedType& type, const Groups& g, const GroupTotals& t,
                                 Nested& k, Lanes& error) {
  const Lanes zero = all(0), most = all(63);
  const Lanes inverse_dmin = inverse_of(k.dmin);
  error = nested_sums(type, g, k.d * k.scale, k.dmin * k.min).error;
  const Lanes scale0 = k.scale, min0 = k.min;
  static constexpr float kSteps[] = {0, -1, 1};
  for (const float step : kSteps) {
    const Lanes scale = smaller(larger(scale0 + all(step), zero), most);
    const Lanes ds = k.d * scale;
    const NestedSums s = nested_sums(type, g, ds, k.dmin * min0);
    const Lanes min = nearest_within(quotient(ds * s.q - t.x, t.w) * inverse_dmin, zero, most);
    const Lanes found = nested_sums(type, g, ds, k.dmin * min).error;
    const Mask better = found < error;
    error = pick(better, found, error);
    k.scale = pick(better, scale, k.scale);
    k.min = pick(better, min, k.min);
  }
}

// The best d and dmin of a block for its groups' whole scales and q.
static inline void solve_nested(const NestedType& type, const Groups& g, const GroupTotals& t,
                                Nested& k, int first) {
  const NestedSums s = nested_sums(type, g, k.d * k.scale, k.dmin * k.min);
  const double aa = sum_lanes(k.scale * k.scale * s.qq, first, 8);
  const double bb = sum_lanes(k.min * k.min * t.w, first, 8);
  const double ab = sum_lanes(k.scale * k.min * s.q, first, 8);
  const double xa = sum_lanes(k.scale * s.xq, first, 8);
  const double xb = sum_lanes(k.min * t.x, first, 8);
  const double determinant = aa * bb - ab * ab;
  double d, dmin;
  if (determinant > 1e-9 * aa * bb) {
    d = (xa * bb - xb * ab) / determinant;
    dmin = (ab * xa - aa * xb) / determinant;
  } else {
    d = aa > 0 ? xa / aa : 0;
    dmin = 0;
  }
  if (!(d >= 0) || !(dmin >= 0)) return;
  fill_lanes(k.d, first, 8, rounded_scale(static_cast<float>(d)));
  fill_lanes(k.dmin, first, 8, rounded_scale(static_cast<float>(dmin)));
}

static inline void fit_nested(const NestedType& type, const Groups& g, Nested& k) {
  const GroupTotals t = group_totals(g, 32);
  const AffineFit fit = fit_affine(type.search, g);
  const Lanes m = all(0) - fit.m;
  k.d = k.dmin = all(0);
  for (int first = 0; first < kLanes; first += 8) {
    fill_lanes(k.d, first, 8, rounded_scale(extreme_lane(fit.d, first, 8) / 63));
    fill_lanes(k.dmin, first, 8, rounded_scale(extreme_lane(m, first, 8) / 63));
  }
  k.scale = nearest_within(fit.d * inverse_of(k.d), all(0), all(63));
  k.min = nearest_within(m * inverse_of(k.dmin), all(0), all(63));
  Lanes error;
  choose_nested(type, g, t, k, error);
  for (int round = 1; round < kRounds; ++round) {
    Nested next = k;
    for (int first = 0; first < kLanes; first += 8) solve_nested(type, g, t, next, first);
    Lanes next_error;
    choose_nested(type, g, t, next, next_error);
    for (int first = 0; first < kLanes; first += 8) {  // blocks that did not gain stay
      if (sum_lanes(next_error, first, 8) < sum_lanes(error, first, 8)) continue;
      fill_lanes(next.d, first, 8, extreme_lane(k.d, first, 8));
      fill_lanes(next.dmin, first, 8, extreme_lane(k.dmin, first, 8));
      float from[3][kLanes], to[3][kLanes];
      store(from[0], k.scale), store(from[1], k.min), store(from[2], error);
      store(to[0], next.scale), store(to[1], next.min), store(to[2], next_error);
      for (int i = 0; i < 3; ++i)
        for (int l = first; l < first + 8; ++l) to[i][l] = from[i][l];
      next.scale = load(to[0]), next.min = load(to[1]), next_error = load(to[2]);
    }
    k = next;
    error = next_error;
  }
}

// Scales and minima into 12 bytes, as unpack_k_scales reads them.
static inline void pack_k_scales(const float* scale, const float* min, unsigned char* p) {
  for (int j = 0; j < 4; ++j) {
    const int low_scale = static_cast<int>(scale[j]), low_min = static_cast<int>(min[j]);
    const int high_scale = static_cast<int>(scale[j + 4]), high_min = static_cast<int>(min[j + 4]);
    p[j] = static_cast<unsigned char>(low_scale | high_scale >> 4 << 6);
    p[j + 4] = static_cast<unsigned char>(low_min | high_min >> 4 << 6);
    p[j + 8] = static_cast<unsigned char>((high_scale & 15) | (high_min & 15) << 4);
  }
}

// q[8][32] of a block into nibbles of neighbouring groups, and fifth bits before them.
static inline void put_nested_codes(const NestedType& type, const unsigned char (*q)[32],
                                    unsigned char* out) {
  if (type.has_fifth) {
    for (int j = 0; j < 32; ++j) {
      int bits = 0;
      for (int group = 0; group < 8; ++group) bits |= (q[group][j] >> 4 & 1) << group;
      out[j] = static_cast<unsigned char>(bits);
    }
    out += 32;
  }
  for (int pair = 0; pair < 4; ++pair)
    for (int j = 0; j < 32; ++j)
      out[32 * pair + j] =
          static_cast<unsigned char>((q[2 * pair][j] & 15) | (q[2 * pair + 1][j] & 15) << 4);
}

static inline bool encode_nested(const NestedType& type, const float* x, const float* w,
                                 std::size_t n, unsigned char* out) {
  while (n != 0) {
    const int blocks = n < 512 ? 1 : 2;
    const auto taken = static_cast<std::size_t>(blocks) * 256;
    Groups g;
    gather(x, w, 8 * blocks, 32, g);
    Nested k;
    fit_nested(type, g, k);
    unsigned char q[kLanes][32];
    code_groups(g, k.d * k.scale, all(0) - k.dmin * k.min, 0, type.search.high, 0, q);
    float scale[kLanes], min[kLanes], d[kLanes], dmin[kLanes];
    store(scale, k.scale), store(min, k.min), store(d, k.d), store(dmin, k.dmin);
    for (int b = 0; b < blocks; ++b, out += type.block_bytes) {
      const std::uint16_t d_half = float_to_half(d[8 * b]), dmin_half = float_to_half(dmin[8 * b]);
      if (!is_finite_half(d_half) || !is_finite_half(dmin_half)) return false;
      store_u16(out, d_half);
      store_u16(out + 2, dmin_half);
      pack_k_scales(scale + 8 * b, min + 8 * b, out + 4);
      put_nested_codes(type, q + 8 * b, out + 16);
    }
    x += taken;
    w += w == nullptr ? 0 : taken;
    n -= taken;
  }
  return true;
}

static inline bool encode_q4_k(const float* x, const float* w, std::size_t n, unsigned char* out) {
  static const NestedType type{144, {32, 15, true, {12, 0.5f, 11}, {-1, 0.25f, 5}, 2}, false};
  return encode_nested(type, x, w, n, out);
}

static inline bool encode_q5_k(const float* x, const float* w, std::size_t n, unsigned char* out) {
  static const NestedType type{176, {32, 31, true, {27, 0.5f, 12}, {-1, 0.25f, 5}, 2}, true};
  return encode_nested(type, x, w, n, out);
}

// ---- Q6_K: x = (d scale) q, 16 groups of 16 a block, scales -128 to 127, q -32 to 31.

static inline Lanes group_error_q6_k(const Groups& g, const Lanes& d) {
  const Lanes inverse = inverse_of(d);
  Lanes error = all(0);
  for (int j = 0; j < 16; ++j) {
    const Lanes off = g.x[j] - d * nearest_within(g.x[j] * inverse, all(-32), all(31));
    error = error + g.w[j] * (off * off);
  }
  return error;
}

// The best whole scale of each group near `exact` / d; returns the block's error.
static inline double choose_q6_k(const Groups& g, const Lanes& exact, float d, Lanes& scale) {
  const Lanes inverse = inverse_of(all(d));
  const Lanes around = nearest_within(exact * inverse, all(-128), all(127));
  Lanes error = group_error_q6_k(g, all(d) * around);
  scale = around;
  static constexpr float kSteps[] = {-2, -1, 1, 2};
  for (const float step : kSteps) {
    const Lanes other = smaller(larger(around + all(step), all(-128)), all(127));
    const Lanes found = group_error_q6_k(g, all(d) * other);
    const Mask better = found < error;
    error = pick(better, found, error);
    scale = pick(better, other, scale);
  }
  return sum_lanes(error, 0, kLanes);
}

// The best d for whole scales.
static inline float solve_q6_k(const Symmetric& search, const Groups& g, float d,
                               const Lanes& scale) {
  Lanes xq, qq;
  symmetric_sums(search, g, inverse_of(all(d) * scale), xq, qq);
  const double a = sum_lanes(scale * xq, 0, kLanes);
  const double b = sum_lanes(scale * scale * qq, 0, kLanes);
  return b > 0 ? rounded_scale(static_cast<float>(a / b)) : d;
}

static inline void put_q6_k(const Groups& g, float d, const Lanes& scale, unsigned char* out) {
  unsigned char q[kLanes][32];
  code_groups(g, all(d) * scale, all(0), -32, 31, 32, q);
  std::memset(out, 0, 192);
  for (int group = 0; group < 16; ++group) {  // in the order of values
    const int half = group >> 3, quarter = group >> 1 & 3, part = group & 1;
    unsigned char* low = out + 64 * half + 32 * (quarter & 1) + 16 * part;
    unsigned char* high = out + 128 + 32 * half + 16 * part;
    for (int j = 0; j < 16; ++j) {
      low[j] = static_cast<unsigned char>(low[j] | (q[group][j] & 15) << 4 * (quarter >> 1));
      high[j] = static_cast<unsigned char>(high[j] | (q[group][j] >> 4) << 2 * quarter);
    }
  }
  float scales[kLanes];
  store(scales, scale);
  for (int group = 0; group < 16; ++group)
    out[192 + group] = static_cast<unsigned char>(static_cast<int>(scales[group]));
  store_u16(out + 208, float_to_half(d));
}

static inline bool encode_q6_k(const float* x, const float* w, std::size_t n, unsigned char* out) {
  static const Symmetric search{16, -32, 31, {26, 0.5f, 14}, {25, 0.5f, 14}, 1};
  for (; n != 0; n -= 256, x += 256, w += w == nullptr ? 0 : 256, out += 210) {
    Groups g;
    gather(x, w, 16, 16, g);
    for (int j = 16; j < 32; ++j) g.x[j] = all(0);
    const Lanes exact = fit_symmetric(search, g);
    float d = rounded_scale(extreme_lane(exact, 0, kLanes) / -128);
    if (!is_finite_half(float_to_half(d))) return false;
    Lanes scale;
    double error = choose_q6_k(g, exact, d, scale);
    for (int round = 1; round < kRounds; ++round) {
      Lanes next;
      const float next_d = solve_q6_k(search, g, d, scale);
      const double next_error = choose_q6_k(g, exact, next_d, next);
      if (!(next_error < error)) break;
      d = next_d;
      scale = next;
      error = next_error;
    }
    put_q6_k(g, d, scale, out);
  }
  return true;
}

}  // namespace

// By the number of the type (tensor::DType). False also for a type that is not written.
//   w  null, or [n] above or equal 0
static inline bool encode_any(std::uint32_t type, const float* x, const float* w, std::size_t n,
                              unsigned char* out) noexcept {
  switch (type) {
    case 0:
      std::memcpy(out, x, n * sizeof(float));
      return true;
    case 1:
      return encode_f16(x, n, out);
    case 30:
      return encode_bf16(x, n, out);
    default:
      break;
  }
  constexpr float kMost = 0x1p28f;  // above what any type holds; squares stay far from infinity
  int huge = 0;
  for (std::size_t i = 0; i < n; ++i) huge |= (x[i] < -kMost) | (x[i] > kMost);
  if (huge != 0) return false;
  switch (type) {
    case 2:
      return encode_q4_0(x, w, n, out);
    case 3:
      return encode_q4_1(x, w, n, out);
    case 6:
      return encode_q5_0(x, w, n, out);
    case 7:
      return encode_q5_1(x, w, n, out);
    case 8:
      return encode_q8_0(x, w, n, out);
    case 12:
      return encode_q4_k(x, w, n, out);
    case 13:
      return encode_q5_k(x, w, n, out);
    case 14:
      return encode_q6_k(x, w, n, out);
    default:
      return false;
  }
}

}  // namespace aquilon::quant::blocks
