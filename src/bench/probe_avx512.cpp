// bf16 products are beyond the flags of this file, but the assembler knows them.
#include <immintrin.h>

#include "bench/probe_impl_internal.h"

// One step: the instruction on twelve accumulators.
#define AQ_TWELVE(instruction)                                                                 \
  __asm__ volatile(instruction " %12, %13, %0\n\t" instruction " %12, %13, %1\n\t" instruction \
                               " %12, %13, %2\n\t" instruction " %12, %13, %3\n\t" instruction \
                               " %12, %13, %4\n\t" instruction " %12, %13, %5\n\t" instruction \
                               " %12, %13, %6\n\t" instruction " %12, %13, %7\n\t" instruction \
                               " %12, %13, %8\n\t" instruction " %12, %13, %9\n\t" instruction \
                               " %12, %13, %10\n\t" instruction " %12, %13, %11"               \
                   : "+v"(a0), "+v"(a1), "+v"(a2), "+v"(a3), "+v"(a4), "+v"(a5), "+v"(a6),     \
                     "+v"(a7), "+v"(a8), "+v"(a9), "+v"(a10), "+v"(a11)                        \
                   : "v"(x), "v"(y))

namespace aquilon::bench {

void f32_loop_avx512(std::size_t steps) noexcept {
  __m512 a0 = _mm512_set1_ps(1), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0,
         a8 = a0, a9 = a0, a10 = a0, a11 = a0;
  const __m512 x = a0, y = a0;
  for (std::size_t i = 0; i < steps; ++i) AQ_TWELVE("vfmadd231ps");
}

void int8_loop_vnni512(std::size_t steps) noexcept {
  __m512i a0 = _mm512_setzero_si512(), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0,
          a7 = a0, a8 = a0, a9 = a0, a10 = a0, a11 = a0;
  const __m512i x = _mm512_set1_epi32(0x03030303), y = _mm512_set1_epi32(0x02020202);
  for (std::size_t i = 0; i < steps; ++i) AQ_TWELVE("vpdpbusd");
}

void bf16_loop_avx512(std::size_t steps) noexcept {
  __m512 a0 = _mm512_setzero_ps(), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0,
         a8 = a0, a9 = a0, a10 = a0, a11 = a0;
  const __m512i x = _mm512_set1_epi32(0x3f803f80), y = x;  // pairs of bf16 ones
  for (std::size_t i = 0; i < steps; ++i) AQ_TWELVE("vdpbf16ps");
}

std::uint64_t read_loop_avx512(const std::byte* data, std::size_t bytes) noexcept {
  __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
  for (std::size_t i = 0; i < bytes; i += 256) {
    a = _mm512_add_epi64(a, _mm512_load_si512(data + i));
    b = _mm512_add_epi64(b, _mm512_load_si512(data + i + 64));
    c = _mm512_add_epi64(c, _mm512_load_si512(data + i + 128));
    d = _mm512_add_epi64(d, _mm512_load_si512(data + i + 192));
  }
  alignas(64) std::uint64_t lanes[8];
  _mm512_store_si512(lanes, _mm512_add_epi64(_mm512_add_epi64(a, b), _mm512_add_epi64(c, d)));
  std::uint64_t sum = 0;
  for (const std::uint64_t lane : lanes) sum += lane;
  return sum;
}

}  // namespace aquilon::bench
