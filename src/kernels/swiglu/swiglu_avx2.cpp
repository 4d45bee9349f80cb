#include <immintrin.h>

#include "kernels/exp2_avx2_internal.h"
#include "kernels/swiglu/swiglu_impl_internal.h"

namespace aquilon::kernels {
namespace {

// By e = exp(-|x|), which cannot overflow: the sigmoid is 1 / (1 + e), or e / (1 + e) below zero.
inline __m256 silu_times(__m256 x, __m256 up) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  const __m256 one = _mm256_set1_ps(1.0f);
  const __m256 log2_e = _mm256_set1_ps(1.44269504f);
  const __m256 e = exp2_of_nonpositive(_mm256_mul_ps(_mm256_or_ps(x, sign), log2_e));
  const __m256 top = _mm256_blendv_ps(one, e, x);  // by the sign of x
  const __m256 sigmoid = _mm256_div_ps(top, _mm256_add_ps(one, e));
  return _mm256_mul_ps(_mm256_mul_ps(x, sigmoid), up);
}

}  // namespace

void swiglu_avx2(float* gate, const float* up, std::size_t n) noexcept {
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8)
    _mm256_storeu_ps(gate + i, silu_times(_mm256_loadu_ps(gate + i), _mm256_loadu_ps(up + i)));
  if (i == n) return;
  alignas(32) float rest[2][8] = {};
  for (std::size_t j = 0; i + j < n; ++j) {
    rest[0][j] = gate[i + j];
    rest[1][j] = up[i + j];
  }
  _mm256_store_ps(rest[0], silu_times(_mm256_load_ps(rest[0]), _mm256_load_ps(rest[1])));
  for (std::size_t j = 0; i + j < n; ++j) gate[i + j] = rest[0][j];
}

}  // namespace aquilon::kernels
