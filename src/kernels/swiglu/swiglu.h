// The gate of the feed-forward block, in plain loops: under 1 % of a step.
#pragma once

#include <cstddef>

namespace aquilon::kernels {

// gate = silu(gate) * up, where silu(x) = x / (1 + exp(-x)).
//   gate, up  [n]  f32; gate in place
// Errors: none.  Threads: safe; runs on the caller.  Source: Shazeer 2020, arXiv:2002.05202.
void swiglu(float* gate, const float* up, std::size_t n) noexcept;

}  // namespace aquilon::kernels
