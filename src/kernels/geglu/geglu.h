// The gate of the feed-forward block in Gemma's models.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/isa.h"

namespace aquilon::kernels {

// gate = gelu(gate) * up, where gelu(x) = x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))): the
// tanh form, not the one by erf, from which it differs by up to 5e-4.
//   gate, up  [n]  f32; gate in place
// Errors: none.  Threads: safe; runs on the caller.  A value's result depends on it alone.
// Accuracy: 2e-5 of the result, 1e-6 near zero and above. Source: Hendrycks & Gimpel 2016,
// arXiv:1606.08415 section 2; Shazeer 2020, arXiv:2002.05202. Reference: geglu_ref.cpp.
void geglu(float* gate, const float* up, std::size_t n) noexcept;

using Geglu = void(float* gate, const float* up, std::size_t n) noexcept;
std::span<const Impl<Geglu>> geglu_impls();

}  // namespace aquilon::kernels
