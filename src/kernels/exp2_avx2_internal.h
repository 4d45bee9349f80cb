// Included by files of the AVX2 instruction set alone.
#pragma once

#include <immintrin.h>

#include "kernels/exp2_internal.h"

namespace aquilon::kernels {

// 2^x for x <= 0; below 2^-126 it is that. Relative error at most 1.3e-7; 2^0 is 1; NaN stays NaN.
static inline __m256 exp2_of_nonpositive(__m256 x) {
  const __m256 magic = _mm256_set1_ps(kExp2Magic);
  x = _mm256_max_ps(_mm256_set1_ps(-126.0f), x);  // in this order NaN passes
  const __m256 shifted = _mm256_add_ps(x, magic);
  const __m256 f = _mm256_sub_ps(x, _mm256_sub_ps(shifted, magic));
  __m256 y = _mm256_set1_ps(kExp2[6]);
#pragma GCC unroll 6
  for (int i = 5; i >= 0; --i) y = _mm256_fmadd_ps(y, f, _mm256_set1_ps(kExp2[i]));
  const __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(y), exponent));
}

}  // namespace aquilon::kernels
