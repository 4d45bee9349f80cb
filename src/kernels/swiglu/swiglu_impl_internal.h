#pragma once

#include <cstddef>

namespace aquilon::kernels {

void swiglu_ref(float* gate, const float* up, std::size_t n) noexcept;
void swiglu_avx2(float* gate, const float* up, std::size_t n) noexcept;

}  // namespace aquilon::kernels
