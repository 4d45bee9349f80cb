// Up to 12 rows at a time: an accumulator each, a vector of keys or values, broadcasts from memory.
#include <immintrin.h>

#include "kernels/attention/attention_block_internal.h"
#include "kernels/exp2_internal.h"

namespace aquilon::kernels {
namespace {

struct Avx512 {
  using Group = __m512;
  using Half = __m256;
  static constexpr std::size_t kRows = 12;

  static Group zero() { return _mm512_setzero_ps(); }
  static Group all(float x) { return _mm512_set1_ps(x); }
  static Group read(const float* p) { return _mm512_loadu_ps(p); }
  static void write(float* p, Group g) { _mm512_storeu_ps(p, g); }

  template <KvType type>
  static Group load(const std::byte* p) {
    if constexpr (type == KvType::kF32) return read(reinterpret_cast<const float*>(p));
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    if constexpr (type == KvType::kF16) return _mm512_cvtph_ps(x);
    // Lane i takes word kv_place(i) as its upper half: 0, 2, .. 14, then 1, 3, .. 15.
    const __m512i word =
        _mm512_set_epi32(15 << 16, 13 << 16, 11 << 16, 9 << 16, 7 << 16, 5 << 16, 3 << 16, 1 << 16,
                         14 << 16, 12 << 16, 10 << 16, 8 << 16, 6 << 16, 4 << 16, 2 << 16, 0);
    return _mm512_castsi512_ps(
        _mm512_maskz_permutexvar_epi16(0xaaaaaaaa, word, _mm512_castsi256_si512(x)));
  }

  static Group add_product(Group sum, const float* x, Group g) {
    return _mm512_fmadd_ps(_mm512_set1_ps(*x), g, sum);
  }
  static Group subtract(Group a, Group b) { return _mm512_sub_ps(a, b); }
  static Group above(Group g, Group least) { return _mm512_max_ps(g, least); }
  static Group lanes(std::size_t begin, std::size_t end, Group g, float rest) {
    const auto in = static_cast<__mmask16>((1u << end) - (1u << begin));
    return _mm512_mask_mov_ps(_mm512_set1_ps(rest), in, g);
  }

  static Group exp2(Group x) {
    const Group magic = _mm512_set1_ps(kExp2Magic);
    x = _mm512_max_ps(_mm512_set1_ps(-126.0f), x);  // in this order NaN passes
    const Group shifted = _mm512_add_ps(x, magic);
    const Group f = _mm512_sub_ps(x, _mm512_sub_ps(shifted, magic));
    Group y = _mm512_set1_ps(kExp2[6]);
#pragma GCC unroll 6
    for (int i = 5; i >= 0; --i) y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(kExp2[i]));
    const __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(y), exponent));
  }
  static float highest(Group g) { return _mm512_reduce_max_ps(g); }
  static Half zero_half() { return _mm256_setzero_ps(); }
  static Half fold(Half h, Group g) {
    h = _mm256_add_ps(h, _mm512_castps512_ps256(g));
    return _mm256_add_ps(h, _mm512_extractf32x8_ps(g, 1));
  }
  static float sum(Half v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
  }
};

}  // namespace

void attention_block_avx512(const AttentionBlock& block) noexcept {
  AttentionRows<Avx512>::run(block);
}

}  // namespace aquilon::kernels
