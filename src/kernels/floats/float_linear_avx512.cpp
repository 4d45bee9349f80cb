// 32 or 16 rows x C tokens: a vector holds a column of 16 rows, each token's value is broadcast
// from memory, and the sums stay in registers over all columns.
#include <immintrin.h>

#include "kernels/floats/float_linear_impl_internal.h"

namespace aquilon::kernels {
namespace {

using quant::FloatPacking;
using quant::kFloatLine;
using quant::kFloatRows;
using Byte = unsigned char;

constexpr int kMaxTokens = 12;             // of a tile: 24 sums with two groups
constexpr std::size_t kAheadBytes = 4096;  // as in linear_impl_internal.h

// Both columns of a line.
template <FloatPacking P>
inline void load_line(const Byte* line, __m512 (&w)[2]) {
  if constexpr (P == FloatPacking::kBF16) {
    const __m512i pairs = _mm512_load_si512(line);
    w[0] = _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
    const __m512i high = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
    w[1] = _mm512_castsi512_ps(_mm512_and_si512(pairs, high));
  } else {
    w[0] = _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(line)));
    w[1] = _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(line + 32)));
  }
}

inline void store(const FloatJob& job, std::size_t row, std::size_t token, __m512 f) {
  const std::size_t rows = job.rows - row;
  const auto mask = static_cast<__mmask16>(rows < kFloatRows ? (1u << rows) - 1 : 0xffff);
  float* out = job.out + token * job.out_stride + row;
  if (job.bias != nullptr) f = _mm512_add_ps(f, _mm512_maskz_loadu_ps(mask, job.bias + row));
  if (job.add) f = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, out), f);
  _mm512_mask_storeu_ps(out, mask, f);
}

// Sums of a slot between two pieces.
struct alignas(64) Sums {
  float of[kFloatSlots][kMaxTokens][2][kFloatRows];
};

// G groups from `group` on.
template <FloatPacking P, int G, int C>
void tile(const FloatJob& job, const FloatPiece& piece, Sums& sums) {
  const std::size_t bytes = quant::float_group_bytes(job.columns);
  const Byte* w = job.w + piece.group * bytes + piece.column / 2 * kFloatLine;
  const float* x = piece.x;
  const bool fetch = piece.token == 0;  // later tokens find the weights in a cache
  auto& kept = sums.of[piece.slot];
  __m512 sum[G][C];
#pragma GCC unroll 2
  for (int g = 0; g < G; ++g)
#pragma GCC unroll 12
    for (int c = 0; c < C; ++c)
      sum[g][c] = piece.first ? _mm512_setzero_ps() : _mm512_load_ps(kept[c][g]);
  for (std::size_t k = 0; k < piece.columns; k += 2, w += kFloatLine, x += 2 * C) {
    __m512 line[G][2];
#pragma GCC unroll 2
    for (int g = 0; g < G; ++g) {
      if (fetch) __builtin_prefetch(w + static_cast<std::size_t>(g) * bytes + kAheadBytes);
      load_line<P>(w + static_cast<std::size_t>(g) * bytes, line[g]);
    }
#pragma GCC unroll 2
    for (int j = 0; j < 2; ++j)
#pragma GCC unroll 12
      for (int c = 0; c < C; ++c) {
        const __m512 value = _mm512_set1_ps(x[j * C + c]);
#pragma GCC unroll 2
        for (int g = 0; g < G; ++g) sum[g][c] = _mm512_fmadd_ps(line[g][j], value, sum[g][c]);
      }
  }
#pragma GCC unroll 2
  for (int g = 0; g < G; ++g)
#pragma GCC unroll 12
    for (int c = 0; c < C; ++c) {
      if (piece.last)
        store(job, (piece.group + static_cast<std::size_t>(g)) * kFloatRows,
              piece.token + static_cast<std::size_t>(c), sum[g][c]);
      else
        _mm512_store_ps(kept[c][g], sum[g][c]);
    }
}

using Tile = void(const FloatJob&, const FloatPiece& piece, Sums& sums);
template <FloatPacking P, int G>
constexpr Tile* kTiles[kMaxTokens] = {
    tile<P, G, 1>, tile<P, G, 2>, tile<P, G, 3>, tile<P, G, 4>,  tile<P, G, 5>,  tile<P, G, 6>,
    tile<P, G, 7>, tile<P, G, 8>, tile<P, G, 9>, tile<P, G, 10>, tile<P, G, 11>, tile<P, G, 12>};

template <FloatPacking P>
void groups(const FloatJob& job, std::size_t begin, std::size_t end) {
  Sums sums;
  each_float_piece(job, begin, end, [&](const FloatPiece& piece) {
    (piece.groups == 2 ? kTiles<P, 2> : kTiles<P, 1>)[piece.tokens - 1](job, piece, sums);
  });
}

}  // namespace

void float_groups_avx512(const FloatJob& job, std::size_t begin, std::size_t end) noexcept {
  job.packing == FloatPacking::kBF16 ? groups<FloatPacking::kBF16>(job, begin, end)
                                     : groups<FloatPacking::kF16>(job, begin, end);
}

}  // namespace aquilon::kernels
