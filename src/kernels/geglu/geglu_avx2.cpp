#include <immintrin.h>

#include "kernels/geglu/geglu_impl_internal.h"
#include "kernels/sigmoid_avx2_internal.h"

namespace aquilon::kernels {
namespace {

inline __m256 gelu_times(__m256 x, __m256 up) {
  const __m256 slope =
      _mm256_fmadd_ps(_mm256_mul_ps(x, x), _mm256_set1_ps(kGeluCubic), _mm256_set1_ps(kGeluLinear));
  return _mm256_mul_ps(_mm256_mul_ps(x, sigmoid(_mm256_mul_ps(x, slope))), up);
}

}  // namespace

void geglu_avx2(float* gate, const float* up, std::size_t n) noexcept {
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8)
    _mm256_storeu_ps(gate + i, gelu_times(_mm256_loadu_ps(gate + i), _mm256_loadu_ps(up + i)));
  if (i == n) return;
  alignas(32) float rest[2][8] = {};
  for (std::size_t j = 0; i + j < n; ++j) {
    rest[0][j] = gate[i + j];
    rest[1][j] = up[i + j];
  }
  _mm256_store_ps(rest[0], gelu_times(_mm256_load_ps(rest[0]), _mm256_load_ps(rest[1])));
  for (std::size_t j = 0; i + j < n; ++j) gate[i + j] = rest[0][j];
}

}  // namespace aquilon::kernels
