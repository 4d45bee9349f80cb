// The AVX-512 kernel compiled once more, on SIMDe's portable versions of its instructions: so its
// arithmetic is tested on every machine. Not tested so: the two instructions written as assembly,
// and the compiler's code.
#include "kernels/linear/linear_emulated_for_test.h"

#if __has_include(<simde/x86/avx512.h>)

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "quant/blocks_decode.h"

#define __mmask16 simde__mmask16
#undef _mm512_madd_epi16  // an alias with two arguments too many
#define _mm512_madd_epi16 simde_mm512_madd_epi16

namespace aquilon::kernels {
namespace {

// What SIMDe 0.7.4 lacks, or rounds twice, lane by lane: n lanes of type T in a vector V.
template <class T, int n, class V, class Fn>
V lanes(const Fn& fn) {
  T lane[n];
  static_assert(sizeof lane == sizeof(V));
  for (int i = 0; i < n; ++i) lane[i] = static_cast<T>(fn(i));
  V v;
  std::memcpy(&v, lane, sizeof v);
  return v;
}
template <class T, class V>
T lane(const V& v, int i) {
  T value;
  std::memcpy(&value, reinterpret_cast<const char*>(&v) + sizeof(T) * i, sizeof value);
  return value;
}

// None is inlined: the kernel would take a minute to compile.
#define OUT_OF_LINE [[gnu::noinline]]
OUT_OF_LINE __m512 cvtph_ps(__m256i v) {
  return lanes<float, 16, __m512>([&](int i) {
    const auto half = lane<std::uint16_t>(v, i);
    return quant::blocks::load_half(reinterpret_cast<const unsigned char*>(&half));
  });
}
OUT_OF_LINE __m512 fmadd_ps(__m512 a, __m512 b, __m512 c) {
  return lanes<float, 16, __m512>(
      [&](int i) { return std::fma(lane<float>(a, i), lane<float>(b, i), lane<float>(c, i)); });
}
OUT_OF_LINE __m512 fnmadd_ps(__m512 a, __m512 b, __m512 c) {
  return lanes<float, 16, __m512>(
      [&](int i) { return std::fma(-lane<float>(a, i), lane<float>(b, i), lane<float>(c, i)); });
}
OUT_OF_LINE __m512 cvtepi32_ps(__m512i v) {
  return lanes<float, 16, __m512>([&](int i) { return lane<std::int32_t>(v, i); });
}
OUT_OF_LINE __m512i cvtps_epi32(__m512 v) {
  return lanes<std::int32_t, 16, __m512i>([&](int i) { return std::lrintf(lane<float>(v, i)); });
}
OUT_OF_LINE __m512i cvtepu8_epi32(__m128i v) {
  return lanes<std::int32_t, 16, __m512i>([&](int i) { return lane<std::uint8_t>(v, i); });
}
OUT_OF_LINE __m512i cvtepi8_epi32(__m128i v) {
  return lanes<std::int32_t, 16, __m512i>([&](int i) { return lane<std::int8_t>(v, i); });
}
OUT_OF_LINE __m128i cvtepi32_epi8(__m512i v) {
  return lanes<std::uint8_t, 16, __m128i>([&](int i) { return lane<std::int32_t>(v, i); });
}
OUT_OF_LINE int reduce_add_epi32(__m512i v) {
  int sum = 0;
  for (int i = 0; i < 16; ++i) sum += lane<std::int32_t>(v, i);
  return sum;
}
OUT_OF_LINE int reduce_max_epi32(__m512i v) {
  int max = lane<std::int32_t>(v, 0);
  for (int i = 1; i < 16; ++i) max = std::max(max, lane<std::int32_t>(v, i));
  return max;
}
OUT_OF_LINE __m512 maskz_loadu_ps(__mmask16 mask, const float* p) {
  return lanes<float, 16, __m512>([&](int i) { return mask >> i & 1 ? p[i] : 0.0f; });
}
OUT_OF_LINE void mask_storeu_ps(float* p, __mmask16 mask, __m512 v) {
  for (int i = 0; i < 16; ++i)
    if (mask >> i & 1) p[i] = lane<float>(v, i);
}
OUT_OF_LINE __m512i dpbusd_epi32(__m512i sum, __m512i a, __m512i b) {
  return simde_mm512_dpbusd_epi32(sum, a, b);
}
OUT_OF_LINE __m512i dpwssd_epi32(__m512i sum, __m512i a, __m512i b) {
  return simde_mm512_dpwssd_epi32(sum, a, b);
}

}  // namespace
}  // namespace aquilon::kernels

#undef _mm512_dpbusd_epi32
#undef _mm512_dpwssd_epi32
#define _mm512_dpbusd_epi32 dpbusd_epi32
#define _mm512_dpwssd_epi32 dpwssd_epi32
#undef _mm512_fmadd_ps
#undef _mm512_fnmadd_ps
#define _mm512_fmadd_ps fmadd_ps
#define _mm512_fnmadd_ps fnmadd_ps
#define _mm512_cvtph_ps cvtph_ps
#define _mm512_cvtepi32_ps cvtepi32_ps
#define _mm512_cvtps_epi32 cvtps_epi32
#define _mm512_cvtepu8_epi32 cvtepu8_epi32
#define _mm512_cvtepi8_epi32 cvtepi8_epi32
#define _mm512_cvtepi32_epi8 cvtepi32_epi8
#define _mm512_reduce_add_epi32 reduce_add_epi32
#define _mm512_reduce_max_epi32 reduce_max_epi32
#define _mm512_maskz_loadu_ps maskz_loadu_ps
#define _mm512_mask_storeu_ps mask_storeu_ps

#define AQUILON_EMULATED_AVX512
#define linear_groups_avx512 linear_groups_emulated
#define quantize_tile_avx512 quantize_tile_emulated
namespace aquilon::kernels {
LinearGroups linear_groups_emulated;
QuantizeTile quantize_tile_emulated;
}  // namespace aquilon::kernels
#include "kernels/linear/linear_avx512.cpp"  // NOLINT(bugprone-suspicious-include)

namespace aquilon::kernels {

const LinearKernel* emulated_avx512() {
  static constexpr LinearKernel kKernel{quantize_tile_emulated, linear_groups_emulated, 12, 2};
  return &kKernel;
}

}  // namespace aquilon::kernels

#else

namespace aquilon::kernels {

const LinearKernel* emulated_avx512() {
  return nullptr;
}

}  // namespace aquilon::kernels

#endif
