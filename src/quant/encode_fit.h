// Scales for groups of weights, sixteen groups at a time: the least squares that all encoders
// share.
//
// A group x[0..n) with importances w is stored as integers q with x = d q or x = d q + m. For given
// q the best d (and m) solve a linear system; for given d (and m) the best q are roundings. The
// search tries ranges of q around that which just covers the group, keeps the one whose solution
// leaves the least error, and then takes rounding and solving in turn.
//
// Only C headers and internal linkage, like quant/lanes.h.
#pragma once

#include "quant/lanes.h"

namespace aquilon::quant::blocks {
namespace {

constexpr int kMaxGroup = 32;

// Groups side by side: lane l of x[j] is value j of group l. Lanes without a group hold zeros.
struct Groups {
  Lanes x[kMaxGroup];
  Lanes w[kMaxGroup];
};

//   x, w   `groups` times n values; w null: all 1
static inline void gather(const float* x, const float* w, int groups, int n, Groups& g) {
  alignas(64) float turned[2][kMaxGroup][kLanes] = {};
  for (int l = 0; l < groups; ++l)
    for (int j = 0; j < n; ++j) turned[0][j][l] = x[l * n + j];
  for (int l = 0; l < groups; ++l)
    for (int j = 0; j < n; ++j) turned[1][j][l] = w == nullptr ? 1.0f : w[l * n + j];
  for (int j = 0; j < n; ++j) {
    g.x[j] = load(turned[0][j]);
    g.w[j] = load(turned[1][j]);
  }
}

// Whole levels that a group's largest value may be laid on: from `first` on, `count` of them,
// `step` apart.
struct Levels {
  float first;
  float step;
  int count;
};

// Below this a group is zero: half of the smallest half rounds to nothing.
constexpr float kNothing = 0x1p-26f;

// x = d q, q within [low, high].
struct Symmetric {
  int n;
  float low, high;
  Levels down, up;  // of the value of largest magnitude: as a negative and as a positive q
  int rounds;       // of rounding and solving at the end
  // Compare the errors of scales as halves hold them. With many bits, or of values that are
  // multiples of a scale already, errors are too small to be seen in the sums that they are the
  // difference of, and a scale's rounding counts among them.
  bool by_error = false;
};

// The q for a given 1/d, and what the solution needs.
static inline void symmetric_sums(const Symmetric& s, const Groups& g, const Lanes& inverse,
                                  Lanes& xq, Lanes& qq) {
  const Lanes low = all(s.low), high = all(s.high);
  xq = qq = all(0);
  for (int j = 0; j < s.n; ++j) {
    const Lanes q = nearest_within(g.x[j] * inverse, low, high);
    const Lanes wq = g.w[j] * q;
    xq = xq + wq * g.x[j];
    qq = qq + wq * q;
  }
}

// The value of largest magnitude of each group.
static inline Lanes extreme(const Groups& g, int n) {
  Lanes most = g.x[0];
  for (int j = 1; j < n; ++j) most = pick(magnitude(most) < magnitude(g.x[j]), g.x[j], most);
  return most;
}

// a / b, 0 where b is not positive.
static inline Lanes quotient(const Lanes& a, const Lanes& b) {
  const Mask positive = all(0) < b;
  return pick(positive, a / pick(positive, b, all(1)), all(0));
}

// 1 / a, 0 where a is 0.
static inline Lanes inverse_of(const Lanes& a) {
  const Mask some = all(0) < magnitude(a);
  return pick(some, all(1) / pick(some, a, all(1)), all(0));
}

// A scale as it will be stored: the nearest half, which does not vanish.
static inline Lanes as_half(const Lanes& a) {
  const Lanes split = a * all(8193.0f), shift = all(0x1.8p-1f), least = all(0x1p-24f);
  const Lanes normal = split - (split - a);
  const Lanes small = (a + shift) - shift;  // in units of 2^-24
  const Lanes some = pick(a < all(0), all(0) - least, pick(all(0) < a, least, all(0)));
  const Lanes subnormal = pick(magnitude(small) < least, some, small);
  return pick(magnitude(a) < all(0x1p-14f), subnormal, normal);
}

static inline void try_stored(const Symmetric& s, const Groups& g, const Lanes& scale,
                              Lanes& best_gain, Lanes& d) {
  const Lanes stored = as_half(scale), inverse = inverse_of(stored);
  const Lanes low = all(s.low), high = all(s.high);
  Lanes gain = all(0);
  for (int j = 0; j < s.n; ++j) {
    const Lanes off = g.x[j] - stored * nearest_within(g.x[j] * inverse, low, high);
    gain = gain - g.w[j] * (off * off);
  }
  const Mask better = best_gain < gain;
  best_gain = pick(better, gain, best_gain);
  d = pick(better, stored, d);
}

static inline void try_symmetric(const Symmetric& s, const Groups& g, const Lanes& inverse,
                                 Lanes& best_gain, Lanes& d) {
  Lanes xq, qq;
  symmetric_sums(s, g, inverse, xq, qq);
  const Lanes found = quotient(xq, qq);
  if (s.by_error) return try_stored(s, g, found, best_gain, d);
  const Lanes gain = found * xq;  // how much less than sum w x^2 the error is
  const Mask better = best_gain < gain;
  best_gain = pick(better, gain, best_gain);
  d = pick(better, found, d);
}

// The best d of each group.
static inline Lanes fit_symmetric(const Symmetric& s, const Groups& g) {
  const Lanes most = extreme(g, s.n);
  const Lanes unit = pick(all(kNothing) < magnitude(most), inverse_of(most), all(0));
  Lanes gain = all(s.by_error ? -0x1p127f : 0.0f), d = all(0);
  if (s.by_error) try_stored(s, g, most * all(1 / s.low), gain, d);  // that which just covers
  for (int i = 0; i < s.down.count; ++i)
    try_symmetric(s, g, unit * all(-(s.down.first + s.down.step * static_cast<float>(i))), gain, d);
  for (int i = 0; i < s.up.count; ++i)
    try_symmetric(s, g, unit * all(s.up.first + s.up.step * static_cast<float>(i)), gain, d);
  for (int i = 0; i < s.rounds; ++i) try_symmetric(s, g, inverse_of(d), gain, d);
  return d;
}

// x = d q + m, q within [0, high], d >= 0.
struct Affine {
  int n;
  float high;
  bool below_zero;  // m <= 0 is needed
  Levels span;      // of the largest less the smallest value
  Levels start;     // q of the smallest value, negative: cut off
  int rounds;
};

struct AffineFit {
  Lanes d, m;
};

// Sums over a group, of y = x - base.
struct AffineSums {
  Lanes w, y, q, qq, yq;
};

static inline AffineSums affine_sums(const Affine& a, const Groups& g, const Lanes& base,
                                     const Lanes& inverse, const Lanes& first) {
  const Lanes low = all(0), high = all(a.high);
  AffineSums s{low, low, low, low, low};
  for (int j = 0; j < a.n; ++j) {
    const Lanes y = g.x[j] - base;
    const Lanes q = nearest_within(y * inverse + first, low, high);
    const Lanes wq = g.w[j] * q;
    s.q = s.q + wq;
    s.qq = s.qq + wq * q;
    s.yq = s.yq + wq * y;
  }
  return s;
}

// Solves for d and m; keeps them where they are better than what was found before.
static inline void solve_affine(const Affine& a, const AffineSums& s, const Lanes& most_m,
                                Lanes& best_gain, AffineFit& fit) {
  const Lanes zero = all(0), two = all(2);
  const Lanes ww_qq = s.w * s.qq;
  const Lanes determinant = ww_qq - s.q * s.q;
  const Mask solvable = all(1e-6f) * ww_qq < determinant;
  const Lanes det = pick(solvable, determinant, all(1));
  // Where all q are equal, d alone.
  Lanes d = pick(solvable, (s.w * s.yq - s.y * s.q) / det, quotient(s.yq, s.qq));
  Lanes m = pick(solvable, (s.qq * s.y - s.q * s.yq) / det, zero);
  if (a.below_zero) {  // where m is too much, the best d for the largest allowed m
    const Mask over = most_m < m;
    d = pick(over, quotient(s.yq - most_m * s.q, s.qq), d);
    m = pick(over, most_m, m);
  }
  const Lanes gain = two * (d * s.yq + m * s.y) - d * (d * s.qq + two * (m * s.q)) - m * m * s.w;
  const Mask better = (best_gain < gain) & (zero < d);
  best_gain = pick(better, gain, best_gain);
  fit.d = pick(better, d, fit.d);
  fit.m = pick(better, m, fit.m);
}

static inline AffineFit fit_affine(const Affine& a, const Groups& g) {
  Lanes least = g.x[0], most = g.x[0];
  for (int j = 1; j < a.n; ++j) {
    least = smaller(least, g.x[j]);
    most = larger(most, g.x[j]);
  }
  const Lanes base = a.below_zero ? smaller(least, all(0)) : least;
  const Lanes span = most - base;
  const Lanes unit = pick(all(kNothing) < span, inverse_of(span), all(0));
  const Lanes most_m = all(0) - base;  // of y; x's m is 0 then
  Lanes sum_w = all(0), sum_y = all(0);
  for (int j = 0; j < a.n; ++j) {
    sum_w = sum_w + g.w[j];
    sum_y = sum_y + g.w[j] * (g.x[j] - base);
  }
  // To begin with, one value for all.
  AffineFit fit{all(0), quotient(sum_y, sum_w)};
  if (a.below_zero) fit.m = smaller(fit.m, most_m);
  Lanes gain = fit.m * (all(2) * sum_y - fit.m * sum_w);
  const auto consider = [&](const Lanes& inverse, const Lanes& first) {
    AffineSums s = affine_sums(a, g, base, inverse, first);
    s.w = sum_w;
    s.y = sum_y;
    solve_affine(a, s, most_m, gain, fit);
  };
  for (int i = 0; i < a.span.count; ++i)
    for (int k = 0; k < a.start.count; ++k)
      consider(unit * all(a.span.first + a.span.step * static_cast<float>(i)),
               all(a.start.first + a.start.step * static_cast<float>(k)));
  for (int i = 0; i < a.rounds; ++i) {
    const Lanes inverse = inverse_of(fit.d);
    consider(inverse, all(0) - fit.m * inverse);
  }
  fit.m = fit.m + base;
  return fit;
}

}  // namespace
}  // namespace aquilon::quant::blocks
