// Causal attention of new tokens over a sequence's keys and values.
#pragma once

#include <cstddef>
#include <span>

#include "base/thread_pool.h"
#include "kernels/attention/attention_impl_internal.h"  // AttentionHead
#include "kernels/isa.h"

namespace aquilon::kernels {

// Keys and values of one layer of one sequence.
//   k, v  [K, capacity, E]  f32: head by head, positions contiguous
struct KvView {
  const float* k;
  const float* v;
  std::size_t capacity;  // positions that a head has room for
};

// out[t, h] = softmax(q[t, h] . k[0..p] / sqrt(E)) v[0..p], where p = position + t and head h reads
// K/V head h / (H / K).
//   q, out  [T, H, E]  f32, may not overlap
//   kv      positions 0 .. position + T - 1 are filled
// The result of a token does not depend on the other tokens of the call nor on the threads:
// positions are always summed in ascending order. Errors: none.  Threads: safe, one caller a pool.
// Cost: reads keys and values once per token and head. Source: Vaswani et al. 2017,
// arXiv:1706.03762 eq. 1. Reference: attention_ref.cpp.
void attention(ThreadPool& pool, const float* q, const KvView& kv, std::size_t position,
               std::size_t tokens, std::size_t n_heads, std::size_t n_kv_heads,
               std::size_t head_dim, float* out) noexcept;

std::span<const Impl<AttentionHead>> attention_impls();

}  // namespace aquilon::kernels
