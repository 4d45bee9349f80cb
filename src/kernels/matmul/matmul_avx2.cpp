// Rows in groups of eight, K in chunks: a chunk of the group is decoded to f32 in L1, then
// multiplied with every token. Each (token, row) pair has one accumulator of eight lanes, lane l
// summing the products of k = l mod 8 in ascending order, whatever tile computes it: so results do
// not depend on how many tokens there are.
#include <immintrin.h>

#include "kernels/matmul/matmul_impl_internal.h"
#include "quant/blocks_decode.h"

namespace aquilon::kernels {
namespace {

constexpr std::size_t kRows = 8;
constexpr std::size_t kChunk = 512;  // a multiple of every block size; 16 KiB of decoded weights
constexpr std::size_t kTokens = 64;  // accumulators of a group: another 16 KiB

struct alignas(32) Scratch {
  float w[kRows][kChunk];
  float acc[kTokens][kRows][8];
};

// acc += w * x over n values for R rows and T tokens. n is a multiple of 8.
template <std::size_t R, std::size_t T>
inline void tile(const float (*w)[kChunk], const float* x, std::size_t x_stride, std::size_t n,
                 float (*acc)[kRows][8]) {
  __m256 sum[T][R];
#pragma GCC unroll 8
  for (std::size_t t = 0; t < T; ++t)
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r) sum[t][r] = _mm256_load_ps(acc[t][r]);
  for (std::size_t k = 0; k < n; k += 8) {
    __m256 xs[T];
#pragma GCC unroll 8
    for (std::size_t t = 0; t < T; ++t) xs[t] = _mm256_loadu_ps(x + t * x_stride + k);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r) {
      const __m256 ws = _mm256_load_ps(w[r] + k);
#pragma GCC unroll 8
      for (std::size_t t = 0; t < T; ++t) sum[t][r] = _mm256_fmadd_ps(ws, xs[t], sum[t][r]);
    }
  }
#pragma GCC unroll 8
  for (std::size_t t = 0; t < T; ++t)
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r) _mm256_store_ps(acc[t][r], sum[t][r]);
}

// The last K mod 8 values: the same lanes, the rest of the vector zero.
inline void tail(const float (*w)[kChunk], const float* x, std::size_t begin, std::size_t end,
                 float (*acc)[8]) {
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t k = begin; k < end; ++k) {
      const __m128 product =
          _mm_fmadd_ss(_mm_set_ss(w[r][k]), _mm_set_ss(x[k]), _mm_set_ss(acc[r][k - begin]));
      acc[r][k - begin] = _mm_cvtss_f32(product);
    }
}

inline float sum_lanes(const float* lanes) {
  const __m256 v = _mm256_load_ps(lanes);
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

void accumulate(Scratch& scratch, const float* x, std::size_t x_stride, std::size_t tokens,
                std::size_t n) {
  const std::size_t whole = n / 8 * 8;
  std::size_t t = 0;
  for (; t + 2 <= tokens; t += 2) {
    const float* xt = x + t * x_stride;
    tile<4, 2>(scratch.w, xt, x_stride, whole, scratch.acc + t);
    auto* lower = reinterpret_cast<float(*)[kRows][8]>(scratch.acc[t][4]);
    tile<4, 2>(scratch.w + 4, xt, x_stride, whole, lower);
  }
  if (t < tokens) tile<8, 1>(scratch.w, x + t * x_stride, x_stride, whole, scratch.acc + t);
  if (whole < n)
    for (t = 0; t < tokens; ++t) tail(scratch.w, x + t * x_stride, whole, n, scratch.acc[t]);
}

// One group of at most eight rows for at most kTokens tokens.
void group(const MatmulJob& job, Scratch& scratch, std::size_t row, std::size_t rows,
           std::size_t token, std::size_t tokens) {
  const std::size_t row_bytes = job.columns / job.block_size * job.block_bytes;
  __builtin_memset(scratch.acc, 0, tokens * sizeof scratch.acc[0]);
  for (std::size_t k = 0; k < job.columns; k += kChunk) {
    const std::size_t n = job.columns - k < kChunk ? job.columns - k : kChunk;
    for (std::size_t r = 0; r < rows; ++r) {
      const unsigned char* blocks =
          job.w + (row + r) * row_bytes + k / job.block_size * job.block_bytes;
      quant::blocks::decode_any(job.dtype, blocks, n, scratch.w[r]);
    }
    accumulate(scratch, job.x + token * job.columns + k, job.columns, tokens, n);
  }
  for (std::size_t t = 0; t < tokens; ++t)
    for (std::size_t r = 0; r < rows; ++r)
      job.out[(token + t) * job.out_stride + row + r] = sum_lanes(scratch.acc[t][r]);
}

}  // namespace

void matmul_rows_avx2(const MatmulJob& job, std::size_t begin, std::size_t end) noexcept {
  Scratch scratch;
  __builtin_memset(scratch.w, 0, sizeof scratch.w);  // rows past the end multiply by zero
  for (std::size_t token = 0; token < job.tokens; token += kTokens) {
    const std::size_t tokens = job.tokens - token < kTokens ? job.tokens - token : kTokens;
    for (std::size_t row = begin; row < end; row += kRows)
      group(job, scratch, row, end - row < kRows ? end - row : kRows, token, tokens);
  }
}

}  // namespace aquilon::kernels
