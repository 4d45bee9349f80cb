#include <immintrin.h>

#include "kernels/rmsnorm/rmsnorm_impl_internal.h"

namespace aquilon::kernels {

void rmsnorm_row_avx2(const float* x, const float* weight, std::size_t dim, float eps,
                      float* out) noexcept {
  // Four double lanes: the same precision as the reference, in another order.
  __m256d sum = _mm256_setzero_pd();
  std::size_t i = 0;
  for (; i + 4 <= dim; i += 4) {
    const __m256d v = _mm256_cvtps_pd(_mm_loadu_ps(x + i));
    sum = _mm256_fmadd_pd(v, v, sum);
  }
  __m128d half = _mm_add_pd(_mm256_castpd256_pd128(sum), _mm256_extractf128_pd(sum, 1));
  double total = _mm_cvtsd_f64(_mm_add_sd(half, _mm_unpackhi_pd(half, half)));
  for (; i < dim; ++i) total += static_cast<double>(x[i]) * x[i];

  const double mean = total / static_cast<double>(dim) + static_cast<double>(eps);
  const auto scale = static_cast<float>(1.0 / _mm_cvtsd_f64(_mm_sqrt_sd(half, _mm_set_sd(mean))));
  const __m256 scales = _mm256_set1_ps(scale);
  for (i = 0; i + 8 <= dim; i += 8) {
    const __m256 v = _mm256_mul_ps(_mm256_loadu_ps(x + i), scales);
    _mm256_storeu_ps(out + i, _mm256_mul_ps(v, _mm256_loadu_ps(weight + i)));
  }
  for (; i < dim; ++i) out[i] = x[i] * scale * weight[i];
}

}  // namespace aquilon::kernels
