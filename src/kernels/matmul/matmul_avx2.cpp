#include "kernels/matmul/matmul_groups_internal.h"

namespace aquilon::kernels {
namespace {

// acc += w * x for R rows from `row` on and T tokens.
template <std::size_t R, std::size_t T>
inline void tile(const Weights* w, std::size_t steps, std::size_t row, const float* x,
                 std::size_t stride, Accumulators* acc) {
  __m256 sum[T][R];
#pragma GCC unroll 8
  for (std::size_t t = 0; t < T; ++t)
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r) sum[t][r] = _mm256_load_ps(acc[t][row + r]);
  for (std::size_t k = 0; k < steps; ++k) {
    __m256 xs[T];
#pragma GCC unroll 8
    for (std::size_t t = 0; t < T; ++t) xs[t] = _mm256_loadu_ps(x + t * stride + 8 * k);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r) {
      const __m256 ws = _mm256_load_ps(w[k][row + r]);
#pragma GCC unroll 8
      for (std::size_t t = 0; t < T; ++t) sum[t][r] = _mm256_fmadd_ps(ws, xs[t], sum[t][r]);
    }
  }
#pragma GCC unroll 8
  for (std::size_t t = 0; t < T; ++t)
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r) _mm256_store_ps(acc[t][row + r], sum[t][r]);
}

void add_products(const Weights* w, std::size_t steps, const float* x, std::size_t stride,
                  std::size_t tokens, Accumulators* acc) {
  std::size_t t = 0;
  for (; t + 2 <= tokens; t += 2) {
    tile<4, 2>(w, steps, 0, x + t * stride, stride, acc + t);
    tile<4, 2>(w, steps, 4, x + t * stride, stride, acc + t);
  }
  if (t < tokens) tile<8, 1>(w, steps, 0, x + t * stride, stride, acc + t);
}

}  // namespace

void matmul_rows_avx2(const MatmulJob& job, std::size_t begin, std::size_t end) noexcept {
  multiply_rows(job, begin, end, add_products);
}

}  // namespace aquilon::kernels
