#include <cmath>

#include "kernels/swiglu/swiglu_impl_internal.h"

namespace aquilon::kernels {

void swiglu_ref(float* gate, const float* up, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) gate[i] = gate[i] / (1.0f + std::exp(-gate[i])) * up[i];
}

}  // namespace aquilon::kernels
