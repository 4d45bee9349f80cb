// The function between the two halves of a feed-forward block.
#pragma once

#include <cstddef>

#include "kernels/geglu/geglu.h"
#include "kernels/swiglu/swiglu.h"
#include "model/config.h"

namespace aquilon::model {

// gate = act(gate) * up over n values.
using Gate = void(float* gate, const float* up, std::size_t n) noexcept;

inline Gate* gate_of(Activation activation) {
  return activation == Activation::kSilu ? kernels::swiglu : kernels::geglu;
}

}  // namespace aquilon::model
