#pragma once

#include <cstddef>

namespace aquilon::kernels {

void rmsnorm_row_ref(const float* x, const float* weight, std::size_t dim, float eps,
                     float* out) noexcept;
void rmsnorm_row_avx2(const float* x, const float* weight, std::size_t dim, float eps,
                      float* out) noexcept;

}  // namespace aquilon::kernels
