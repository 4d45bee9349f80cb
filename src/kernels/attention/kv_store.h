// Writes keys and values of new tokens into a sequence's pages.
#pragma once

#include <span>

#include "base/thread_pool.h"
#include "kernels/attention/kv_layout.h"

namespace aquilon::kernels {

// Rounds to the layout's type: to nearest, ties to even, the same bits on every instruction set.
//   k, v   [T, K, E]  f32, the slices' tokens in order
//   batch  slices of different sequences; the pages that take the tokens are nobody else's
// Errors: none.  Threads: one caller a pool; spreads heads over it.  Cost: T*K*E*2 elements.
void store_kv(ThreadPool& pool, const KvLayout& layout, std::size_t layer,
              std::span<const KvSlice> batch, const float* k, const float* v) noexcept;

}  // namespace aquilon::kernels
