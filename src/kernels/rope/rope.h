// Rotary position embedding, in plain loops: under 1 % of a step.
#pragma once

#include <cstddef>

namespace aquilon::kernels {

// How the pairs that are rotated together lie in a head of E values.
enum class RopeLayout {
  kInterleaved,  // (2i, 2i + 1): llama files in GGUF, Mistral's own
  kHalves,       // (i, i + E/2): qwen, gemma
};

// Turns pair i of every head by the angle whose cosine and sine are given.
//   x          [T, H, stride E]  f32, in place
//   cos, sin   [T, rotated/2]    f32
//   rotated    values of a head that turn, even, <= head_dim; the rest stay
// Errors: none.  Threads: safe; runs on the caller.
// Source: Su et al. 2021, arXiv:2104.09864 eq. 34.
void rope(float* x, const float* cos, const float* sin, std::size_t tokens, std::size_t heads,
          std::size_t head_dim, std::size_t rotated, RopeLayout layout) noexcept;

}  // namespace aquilon::kernels
