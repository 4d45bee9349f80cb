#pragma once

#include <cstddef>

namespace aquilon::kernels {

// gelu(x) = x sigmoid(x (kGeluLinear + kGeluCubic x^2)), since 1 + tanh(y) = 2 sigmoid(2 y).
inline constexpr float kGeluLinear = 1.5957691f;   // 2 sqrt(2 / pi)
inline constexpr float kGeluCubic = 0.071354816f;  // 0.044715 times that

void geglu_ref(float* gate, const float* up, std::size_t n) noexcept;
void geglu_avx2(float* gate, const float* up, std::size_t n) noexcept;

}  // namespace aquilon::kernels
