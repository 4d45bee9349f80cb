// Rows in groups of eight, K in chunks: a chunk of the group is decoded to f32 in L1 or L2, then
// multiplied with every token. Each (token, row) pair has one accumulator of eight lanes, lane l
// summing the products of k = l mod 8 in ascending order, whatever tile computes it: so results do
// not depend on how many tokens there are, nor on the instruction set.
//
// For translation units with AVX2 at least; all names have internal linkage.
#pragma once

#include <immintrin.h>

#include "kernels/matmul/matmul_impl_internal.h"
#include "quant/blocks_decode.h"

namespace aquilon::kernels {
namespace {

constexpr std::size_t kRows = 8;
constexpr std::size_t kChunk = 512;  // a multiple of every block size; 16 KiB of decoded weights
constexpr std::size_t kTokens = 64;  // accumulators of a group: another 16 KiB

using Weights = float[kRows][8];       // eight values of each row
using Accumulators = float[kRows][8];  // of a token

struct alignas(64) Scratch {
  Weights w[kChunk / 8];
  Accumulators acc[kTokens];
};

static inline void decode_row(const MatmulJob& job, const unsigned char* blocks, std::size_t n,
                              std::size_t row, Scratch& scratch) {
  alignas(32) float values[kChunk];
  quant::blocks::decode_any(job.dtype, blocks, n, values);
  for (std::size_t k = n; k % 8 != 0; ++k) values[k] = 0;
  for (std::size_t k = 0; k < n; k += 8)
    _mm256_store_ps(scratch.w[k / 8][row], _mm256_load_ps(values + k));
}

// The last n mod 8 values: the same lanes; the others stay as they are.
static inline void add_tail(const Weights& w, const float* x, std::size_t n, Accumulators& acc) {
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t l = 0; l < n; ++l) {
      const __m128 sum = _mm_fmadd_ss(_mm_set_ss(w[r][l]), _mm_set_ss(x[l]), _mm_set_ss(acc[r][l]));
      acc[r][l] = _mm_cvtss_f32(sum);
    }
}

static inline float sum_lanes(const float* lanes) {
  const __m256 v = _mm256_load_ps(lanes);
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

constexpr std::size_t kFewTokens = 4;
constexpr std::size_t kAhead = 512;  // bytes of each row that they fetch ahead

enum class Plain { kF32, kF16, kBF16 };

// Eight values of a type that needs no blocks.
template <Plain type>
static inline __m256 load_plain(const unsigned char* p) {
  if constexpr (type == Plain::kF32) return _mm256_loadu_ps(reinterpret_cast<const float*>(p));
  const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  if constexpr (type == Plain::kF16) return _mm256_cvtph_ps(halves);
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}

// Straight from the stored rows, for few tokens: there memory is the limit, not arithmetic.
template <Plain type>
static inline void add_plain(const unsigned char* w, std::size_t row_bytes, std::size_t steps,
                             const float* x, Accumulators& acc) {
  constexpr std::size_t kBytes = type == Plain::kF32 ? 32 : 16;
  __m256 sum[kRows];
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kRows; ++r) sum[r] = _mm256_load_ps(acc[r]);
  for (std::size_t k = 0; k < steps; ++k) {
    if (k * kBytes % 64 == 0) {  // behind a row's end: the rows that follow these
      const std::size_t ahead = k * kBytes + kAhead;
      const std::size_t at = ahead < row_bytes ? ahead : ahead + (kRows - 1) * row_bytes;
#pragma GCC unroll 8
      for (std::size_t r = 0; r < kRows; ++r) __builtin_prefetch(w + r * row_bytes + at);
    }
    const __m256 xs = _mm256_loadu_ps(x + 8 * k);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r)
      sum[r] = _mm256_fmadd_ps(load_plain<type>(w + r * row_bytes + k * kBytes), xs, sum[r]);
  }
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kRows; ++r) _mm256_store_ps(acc[r], sum[r]);
}

// Whole rows for few tokens; false for types of blocks.
static inline bool add_plain_rows(const MatmulJob& job, const unsigned char* w, std::size_t steps,
                                  const float* x, std::size_t tokens, Accumulators* acc) {
  const std::size_t row_bytes = job.columns * job.block_bytes;
  for (std::size_t t = 0; t < tokens; ++t) {
    const float* xt = x + t * job.columns;
    if (job.dtype == 0)
      add_plain<Plain::kF32>(w, row_bytes, steps, xt, acc[t]);
    else if (job.dtype == 1)
      add_plain<Plain::kF16>(w, row_bytes, steps, xt, acc[t]);
    else if (job.dtype == 30)
      add_plain<Plain::kBF16>(w, row_bytes, steps, xt, acc[t]);
    else
      return false;
  }
  return true;
}

// One group of at most eight rows for at most kTokens tokens. add(w, steps, x, stride, tokens, acc)
// adds the products of `steps` times eight values.
template <class Add>
static inline void multiply_group(const MatmulJob& job, Scratch& scratch, std::size_t row,
                                  std::size_t rows, std::size_t token, std::size_t tokens,
                                  const Add& add) {
  const std::size_t row_bytes = job.columns / job.block_size * job.block_bytes;
  __builtin_memset(scratch.acc, 0, tokens * sizeof scratch.acc[0]);
  const bool done = tokens <= kFewTokens && rows == kRows && job.columns % 8 == 0 &&
                    add_plain_rows(job, job.w + row * row_bytes, job.columns / 8,
                                   job.x + token * job.columns, tokens, scratch.acc);
  for (std::size_t k = done ? job.columns : 0; k < job.columns; k += kChunk) {
    const std::size_t n = job.columns - k < kChunk ? job.columns - k : kChunk;
    const std::size_t block = k / job.block_size * job.block_bytes;
    const float* x = job.x + token * job.columns + k;
    for (std::size_t r = 0; r < rows; ++r)
      decode_row(job, job.w + (row + r) * row_bytes + block, n, r, scratch);
    add(scratch.w, n / 8, x, job.columns, tokens, scratch.acc);
    if (const std::size_t left = n % 8; left != 0)
      for (std::size_t t = 0; t < tokens; ++t)
        add_tail(scratch.w[n / 8], x + t * job.columns + n - left, left, scratch.acc[t]);
  }
  for (std::size_t t = 0; t < tokens; ++t)
    for (std::size_t r = 0; r < rows; ++r)
      job.out[(token + t) * job.out_stride + row + r] = sum_lanes(scratch.acc[t][r]);
}

template <class Add>
static inline void multiply_rows(const MatmulJob& job, std::size_t begin, std::size_t end,
                                 const Add& add) {
  Scratch scratch;
  __builtin_memset(scratch.w, 0, sizeof scratch.w);  // rows past the end multiply by zero
  for (std::size_t token = 0; token < job.tokens; token += kTokens) {
    const std::size_t tokens = job.tokens - token < kTokens ? job.tokens - token : kTokens;
    for (std::size_t row = begin; row < end; row += kRows)
      multiply_group(job, scratch, row, end - row < kRows ? end - row : kRows, token, tokens, add);
  }
}

}  // namespace
}  // namespace aquilon::kernels
