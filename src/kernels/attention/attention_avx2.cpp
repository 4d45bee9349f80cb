// Up to six rows at a time: 12 accumulators, two vectors of keys or values, one broadcast.
#include <immintrin.h>

#include "kernels/attention/attention_block_internal.h"
#include "kernels/exp2_avx2_internal.h"

namespace aquilon::kernels {
namespace {

struct Avx2 {
  struct Group {
    __m256 low;   // lanes 0 .. 7
    __m256 high;  // 8 .. 15
  };
  using Half = __m256;
  static constexpr std::size_t kRows = 6;

  static Group zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static Group all(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static Group read(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static void write(float* p, Group g) {
    _mm256_storeu_ps(p, g.low);
    _mm256_storeu_ps(p + 8, g.high);
  }

  template <KvType type>
  static Group load(const std::byte* p) {
    if constexpr (type == KvType::kBf16) {
      const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
      const __m256i mask = _mm256_set1_epi32(static_cast<int>(0xffff0000));
      return {_mm256_castsi256_ps(_mm256_slli_epi32(x, 16)),
              _mm256_castsi256_ps(_mm256_and_si256(x, mask))};
    } else if constexpr (type == KvType::kF16) {
      const auto* x = reinterpret_cast<const __m128i*>(p);
      return {_mm256_cvtph_ps(_mm_loadu_si128(x)), _mm256_cvtph_ps(_mm_loadu_si128(x + 1))};
    } else {
      return read(reinterpret_cast<const float*>(p));
    }
  }

  static Group add_product(Group sum, const float* x, Group g) {
    const __m256 factor = _mm256_broadcast_ss(x);
    return {_mm256_fmadd_ps(factor, g.low, sum.low), _mm256_fmadd_ps(factor, g.high, sum.high)};
  }
  static Group subtract(Group a, Group b) {
    return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
  }
  static Group above(Group g, Group least) {
    return {_mm256_max_ps(g.low, least.low), _mm256_max_ps(g.high, least.high)};
  }

  static Group lanes(std::size_t begin, std::size_t end, Group g, float rest) {
    const __m256i from = _mm256_set1_epi32(static_cast<int>(begin));
    const __m256i to = _mm256_set1_epi32(static_cast<int>(end));
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i upper = _mm256_add_epi32(lane, _mm256_set1_epi32(8));
    const __m256 fill = _mm256_set1_ps(rest);
    const auto keep = [&](__m256 x, __m256i i) {
      const __m256i in =
          _mm256_andnot_si256(_mm256_cmpgt_epi32(from, i), _mm256_cmpgt_epi32(to, i));
      return _mm256_blendv_ps(fill, x, _mm256_castsi256_ps(in));
    };
    return {keep(g.low, lane), keep(g.high, upper)};
  }

  static Group exp2(Group g) { return {exp2_of_nonpositive(g.low), exp2_of_nonpositive(g.high)}; }
  static float highest(Group g) {
    const __m256 v = _mm256_max_ps(g.low, g.high);
    __m128 h = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    h = _mm_max_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_max_ss(h, _mm_movehdup_ps(h)));
  }
  static Half zero_half() { return _mm256_setzero_ps(); }
  static Half fold(Half h, Group g) { return _mm256_add_ps(_mm256_add_ps(h, g.low), g.high); }
  static float sum(Half v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
  }
};

}  // namespace

void attention_block_avx2(const AttentionBlock& block) noexcept {
  AttentionRows<Avx2>::run(block);
}

}  // namespace aquilon::kernels
