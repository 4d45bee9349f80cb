#pragma once

#include <cstddef>

namespace aquilon::kernels {

// One query head over `length` positions.
//   q, out  [E]          k, v  [length, E]          scores  [length], scratch
using AttentionHead = void(const float* q, const float* k, const float* v, std::size_t length,
                           std::size_t head_dim, float scale, float* scores, float* out) noexcept;

AttentionHead attention_head_ref;
AttentionHead attention_head_avx2;

}  // namespace aquilon::kernels
