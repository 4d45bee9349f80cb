// The specification, in double: near -5 the two terms of 1 + tanh nearly cancel.
#include <cmath>

#include "kernels/geglu/geglu_impl_internal.h"

namespace aquilon::kernels {

void geglu_ref(float* gate, const float* up, std::size_t n) noexcept {
  const double root = 0.79788456080286536;  // sqrt(2 / pi)
  for (std::size_t i = 0; i < n; ++i) {
    const double x = gate[i];
    const double gelu = x / (1 + std::exp(-2 * root * (x + 0.044715 * x * x * x)));
    gate[i] = static_cast<float>(gelu * up[i]);
  }
}

}  // namespace aquilon::kernels
