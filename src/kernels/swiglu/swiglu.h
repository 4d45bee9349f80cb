// The gate of the feed-forward block.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/isa.h"

namespace aquilon::kernels {

// gate = silu(gate) * up, where silu(x) = x / (1 + exp(-x)).
//   gate, up  [n]  f32; gate in place
// Errors: none.  Threads: safe; runs on the caller.  A value's result depends on it alone.
// Accuracy: 5e-6 of the result. Source: Shazeer 2020, arXiv:2002.05202. Reference: swiglu_ref.cpp.
void swiglu(float* gate, const float* up, std::size_t n) noexcept;

using Swiglu = void(float* gate, const float* up, std::size_t n) noexcept;
std::span<const Impl<Swiglu>> swiglu_impls();

}  // namespace aquilon::kernels
