// The specification: f32 values, sum in double.
#include <cmath>

#include "kernels/rmsnorm/rmsnorm_impl_internal.h"

namespace aquilon::kernels {

void rmsnorm_row_ref(const float* x, const float* weight, std::size_t dim, float eps,
                     float* out) noexcept {
  double sum = 0;
  for (std::size_t i = 0; i < dim; ++i) sum += static_cast<double>(x[i]) * x[i];
  const auto scale = static_cast<float>(
      1.0 / std::sqrt(sum / static_cast<double>(dim) + static_cast<double>(eps)));
  for (std::size_t i = 0; i < dim; ++i) out[i] = x[i] * scale * weight[i];
}

}  // namespace aquilon::kernels
