// For processors that no other file knows.
#include "bench/probe_impl_internal.h"

namespace aquilon::bench {
namespace {

using F32x4 = float __attribute__((vector_size(16)));
using U64x2 = std::uint64_t __attribute__((vector_size(16)));

}  // namespace

void f32_loop_generic(std::size_t steps) noexcept {
  F32x4 sum[8] = {};
  F32x4 x = {1, 1, 1, 1};
  for (std::size_t i = 0; i < steps; ++i) {
    __asm__ volatile("" : "+m"(x));  // unknown to the compiler in every step
    const F32x4 now = x;
    for (F32x4& s : sum) s += s * now;
  }
  for (F32x4& s : sum) __asm__ volatile("" : "+m"(s));
}

std::uint64_t read_loop_generic(const std::byte* data, std::size_t bytes) noexcept {
  U64x2 sum[4] = {};
  for (std::size_t i = 0; i < bytes; i += 64)
    for (std::size_t j = 0; j < 4; ++j)
      sum[j] += *reinterpret_cast<const U64x2*>(data + i + 16 * j);
  const U64x2 all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  return all[0] + all[1];
}

}  // namespace aquilon::bench
