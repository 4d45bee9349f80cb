// Included by files of the AVX2 instruction set alone.
#pragma once

#include <immintrin.h>

#include "kernels/exp2_avx2_internal.h"

namespace aquilon::kernels {

// 1 / (1 + exp(-x)). By e = exp(-|x|), which cannot overflow: 1 / (1 + e), or e / (1 + e) below
// zero. NaN stays NaN.
static inline __m256 sigmoid(__m256 x) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  const __m256 one = _mm256_set1_ps(1.0f);
  const __m256 log2_e = _mm256_set1_ps(1.44269504f);
  const __m256 e = exp2_of_nonpositive(_mm256_mul_ps(_mm256_or_ps(x, sign), log2_e));
  const __m256 top = _mm256_blendv_ps(one, e, x);  // by the sign of x
  return _mm256_div_ps(top, _mm256_add_ps(one, e));
}

}  // namespace aquilon::kernels
