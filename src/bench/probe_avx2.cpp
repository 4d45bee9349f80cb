#include <immintrin.h>

#include "bench/probe_impl_internal.h"

namespace aquilon::bench {

void f32_loop_avx2(std::size_t steps) noexcept {
  __m256 a0 = _mm256_set1_ps(1), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0,
         a8 = a0, a9 = a0, a10 = a0, a11 = a0;
  const __m256 x = a0, y = a0;
  for (std::size_t i = 0; i < steps; ++i)  // in assembly, so that nothing is hoisted or merged
    __asm__ volatile(
        "vfmadd231ps %12, %13, %0\n\t"
        "vfmadd231ps %12, %13, %1\n\t"
        "vfmadd231ps %12, %13, %2\n\t"
        "vfmadd231ps %12, %13, %3\n\t"
        "vfmadd231ps %12, %13, %4\n\t"
        "vfmadd231ps %12, %13, %5\n\t"
        "vfmadd231ps %12, %13, %6\n\t"
        "vfmadd231ps %12, %13, %7\n\t"
        "vfmadd231ps %12, %13, %8\n\t"
        "vfmadd231ps %12, %13, %9\n\t"
        "vfmadd231ps %12, %13, %10\n\t"
        "vfmadd231ps %12, %13, %11"
        : "+x"(a0), "+x"(a1), "+x"(a2), "+x"(a3), "+x"(a4), "+x"(a5), "+x"(a6), "+x"(a7), "+x"(a8),
          "+x"(a9), "+x"(a10), "+x"(a11)
        : "x"(x), "x"(y));
}

void int8_loop_avx2(std::size_t steps) noexcept {
  __m256i a0 = _mm256_setzero_si256(), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0,
          a7 = a0;
  const __m256i u = _mm256_set1_epi8(3), s = _mm256_set1_epi8(-2), ones = _mm256_set1_epi16(1);
  const auto step = [&](__m256i & a) __attribute__((always_inline)) {
    __m256i product;
    __asm__ volatile(
        "vpmaddubsw %3, %2, %1\n\t"
        "vpmaddwd %4, %1, %1\n\t"
        "vpaddd %1, %0, %0"
        : "+x"(a), "=&x"(product)
        : "x"(u), "x"(s), "x"(ones));
  };
  for (std::size_t i = 0; i < steps; ++i) {
    step(a0);
    step(a1);
    step(a2);
    step(a3);
    step(a4);
    step(a5);
    step(a6);
    step(a7);
  }
}

std::uint64_t read_loop_avx2(const std::byte* data, std::size_t bytes) noexcept {
  __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
  for (std::size_t i = 0; i < bytes; i += 128) {
    const auto* p = reinterpret_cast<const __m256i*>(data + i);
    a = _mm256_add_epi64(a, _mm256_load_si256(p));
    b = _mm256_add_epi64(b, _mm256_load_si256(p + 1));
    c = _mm256_add_epi64(c, _mm256_load_si256(p + 2));
    d = _mm256_add_epi64(d, _mm256_load_si256(p + 3));
  }
  alignas(32) std::uint64_t lanes[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes),
                     _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(c, d)));
  return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

}  // namespace aquilon::bench
