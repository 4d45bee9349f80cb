// Two rows' lanes in a vector, up to six tokens: 24 accumulators, so that loads are no limit.
#include "kernels/matmul/matmul_groups_internal.h"

namespace aquilon::kernels {
namespace {

constexpr std::size_t kPairs = kRows / 2;

// acc += w * x for all rows and T tokens.
template <std::size_t T>
inline void tile(const Weights* w, std::size_t steps, const float* x, std::size_t stride,
                 Accumulators* acc) {
  __m512 sum[T][kPairs];
#pragma GCC unroll 8
  for (std::size_t t = 0; t < T; ++t)
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kPairs; ++r) sum[t][r] = _mm512_load_ps(acc[t][2 * r]);
  for (std::size_t k = 0; k < steps; ++k) {
    __m512 ws[kPairs];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kPairs; ++r) ws[r] = _mm512_load_ps(w[k][2 * r]);
#pragma GCC unroll 8
    for (std::size_t t = 0; t < T; ++t) {
      const __m512 xs = _mm512_broadcast_f32x8(_mm256_loadu_ps(x + t * stride + 8 * k));
#pragma GCC unroll 8
      for (std::size_t r = 0; r < kPairs; ++r) sum[t][r] = _mm512_fmadd_ps(ws[r], xs, sum[t][r]);
    }
  }
#pragma GCC unroll 8
  for (std::size_t t = 0; t < T; ++t)
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kPairs; ++r) _mm512_store_ps(acc[t][2 * r], sum[t][r]);
}

void add_products(const Weights* w, std::size_t steps, const float* x, std::size_t stride,
                  std::size_t tokens, Accumulators* acc) {
  std::size_t t = 0;
  for (; t + 6 <= tokens; t += 6) tile<6>(w, steps, x + t * stride, stride, acc + t);
  for (; t + 2 <= tokens; t += 2) tile<2>(w, steps, x + t * stride, stride, acc + t);
  if (t < tokens) tile<1>(w, steps, x + t * stride, stride, acc + t);
}

}  // namespace

void matmul_rows_avx512(const MatmulJob& job, std::size_t begin, std::size_t end) noexcept {
  multiply_rows(job, begin, end, add_products);
}

}  // namespace aquilon::kernels
