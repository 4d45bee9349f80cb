// 16 rows x C tokens: two vectors hold a column, each token's value is broadcast from memory, and
// the sums stay in registers over all columns.
#include <immintrin.h>

#include "kernels/floats/float_linear_impl_internal.h"

namespace aquilon::kernels {
namespace {

using quant::FloatPacking;
using quant::kFloatLine;
using quant::kFloatRows;
using Byte = unsigned char;

constexpr int kMaxTokens = 6;              // of a tile: 12 sums
constexpr int kParts = 2;                  // vectors of a column
constexpr std::size_t kLanes = 8;          // of a vector
constexpr std::size_t kAheadBytes = 4096;  // as in linear_impl_internal.h

// Eight rows' values of column J of a line.
template <FloatPacking P, int J>
inline __m256 load_part(const Byte* line, int part) {
  if constexpr (P == FloatPacking::kF16)
    return _mm256_cvtph_ps(
        _mm_load_si128(reinterpret_cast<const __m128i*>(line + 32 * J + 16 * part)));
  const __m256i pairs = _mm256_load_si256(reinterpret_cast<const __m256i*>(line + 32 * part));
  if constexpr (J == 0) return _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
  const __m256i high = _mm256_set1_epi32(static_cast<int>(0xffff0000u));
  return _mm256_castsi256_ps(_mm256_and_si256(pairs, high));
}

inline void store(const FloatJob& job, std::size_t row, std::size_t token, __m256 f) {
  alignas(32) float values[kLanes];
  _mm256_store_ps(values, f);
  float* out = job.out + token * job.out_stride + row;
  for (std::size_t r = 0; r < kLanes && row + r < job.rows; ++r) {
    if (job.bias != nullptr) values[r] += job.bias[row + r];
    out[r] = job.add ? out[r] + values[r] : values[r];
  }
}

template <FloatPacking P, int J, int C>
[[gnu::always_inline]] inline void add_column(const Byte* line, const float* x,
                                              __m256 (&sum)[C][kParts]) {
  __m256 w[kParts];
#pragma GCC unroll 2
  for (int p = 0; p < kParts; ++p) w[p] = load_part<P, J>(line, p);
#pragma GCC unroll 6
  for (int c = 0; c < C; ++c) {
    const __m256 value = _mm256_broadcast_ss(x + J * C + c);
#pragma GCC unroll 2
    for (int p = 0; p < kParts; ++p) sum[c][p] = _mm256_fmadd_ps(w[p], value, sum[c][p]);
  }
}

// Sums of a slot between two pieces.
struct alignas(32) Sums {
  float of[kFloatSlots][2][kMaxTokens][kParts][kLanes];
};

template <FloatPacking P, int C>
void tile(const FloatJob& job, const FloatPiece& piece, Sums& sums) {
  const Byte* w =
      job.w + piece.group * quant::float_group_bytes(job.columns) + piece.column / 2 * kFloatLine;
  const float* x = piece.x;
  const bool fetch = piece.token == 0;  // later tokens find the weights in a cache
  auto& kept = sums.of[piece.slot][piece.group % 2];
  __m256 sum[C][kParts];
#pragma GCC unroll 6
  for (int c = 0; c < C; ++c)
#pragma GCC unroll 2
    for (int p = 0; p < kParts; ++p)
      sum[c][p] = piece.first ? _mm256_setzero_ps() : _mm256_load_ps(kept[c][p]);
  for (std::size_t k = 0; k < piece.columns; k += 2, w += kFloatLine, x += 2 * C) {
    if (fetch) __builtin_prefetch(w + kAheadBytes);
    add_column<P, 0>(w, x, sum);
    add_column<P, 1>(w, x, sum);
  }
#pragma GCC unroll 6
  for (int c = 0; c < C; ++c)
#pragma GCC unroll 2
    for (int p = 0; p < kParts; ++p) {
      if (piece.last)
        store(job, piece.group * kFloatRows + kLanes * static_cast<std::size_t>(p),
              piece.token + static_cast<std::size_t>(c), sum[c][p]);
      else
        _mm256_store_ps(kept[c][p], sum[c][p]);
    }
}

using Tile = void(const FloatJob&, const FloatPiece& piece, Sums& sums);
template <FloatPacking P>
constexpr Tile* kTiles[kMaxTokens] = {tile<P, 1>, tile<P, 2>, tile<P, 3>,
                                      tile<P, 4>, tile<P, 5>, tile<P, 6>};

template <FloatPacking P>
void groups(const FloatJob& job, std::size_t begin, std::size_t end) {
  Sums sums;
  each_float_piece(job, begin, end, [&](const FloatPiece& piece) {
    FloatPiece one = piece;
    for (std::size_t g = 0; g < piece.groups; ++g, ++one.group)
      kTiles<P>[piece.tokens - 1](job, one, sums);
  });
}

}  // namespace

void float_groups_avx2(const FloatJob& job, std::size_t begin, std::size_t end) noexcept {
  job.packing == FloatPacking::kBF16 ? groups<FloatPacking::kBF16>(job, begin, end)
                                     : groups<FloatPacking::kF16>(job, begin, end);
}

}  // namespace aquilon::kernels
