#include <immintrin.h>
#include <math.h>

#include "kernels/attention/attention_impl_internal.h"

namespace aquilon::kernels {
namespace {

float sum_lanes(__m256 v) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

float dot(const float* a, const float* b, std::size_t n) {
  __m256 sum = _mm256_setzero_ps();
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8)
    sum = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), sum);
  float total = sum_lanes(sum);
  for (; i < n; ++i) total += a[i] * b[i];
  return total;
}

// out += weight * v
void add_scaled(float* out, const float* v, float weight, std::size_t n) {
  const __m256 w = _mm256_set1_ps(weight);
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256 sum = _mm256_fmadd_ps(w, _mm256_loadu_ps(v + i), _mm256_loadu_ps(out + i));
    _mm256_storeu_ps(out + i, sum);
  }
  for (; i < n; ++i) out[i] += weight * v[i];
}

}  // namespace

void attention_head_avx2(const float* q, const float* k, const float* v, std::size_t length,
                         std::size_t head_dim, float scale, float* scores, float* out) noexcept {
  float highest = -INFINITY;
  for (std::size_t p = 0; p < length; ++p) {
    scores[p] = dot(q, k + p * head_dim, head_dim) * scale;
    if (scores[p] > highest) highest = scores[p];
  }
  double total = 0;
  for (std::size_t p = 0; p < length; ++p) {
    scores[p] = expf(scores[p] - highest);
    total += static_cast<double>(scores[p]);
  }
  const auto norm = static_cast<float>(1.0 / total);
  for (std::size_t i = 0; i < head_dim; ++i) out[i] = 0.0f;
  for (std::size_t p = 0; p < length; ++p)
    add_scaled(out, v + p * head_dim, scores[p] * norm, head_dim);
}

}  // namespace aquilon::kernels
