// RMS normalisation. The pattern of an operation folder: this contract, rmsnorm.cpp (front door and
// table), rmsnorm_ref.cpp (the specification), one file per instruction set, a test over all of
// them.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/isa.h"

namespace aquilon::kernels {

// out = x / sqrt(mean(x^2) + eps) * weight, row by row.
//   x, out  [T, D]  f32, rows contiguous; out may be x
//   weight  [D]     f32
//   eps             > 0, dimensionless
// Errors: none.  Threads: safe; runs on the caller.  Cost: 2*T*D reads, memory bound.
// The result of a row does not depend on the other rows.
// Source: Zhang & Sennrich 2019, arXiv:1910.07467 eq. 4. Reference: rmsnorm_ref.cpp.
void rmsnorm(const float* x, const float* weight, std::size_t tokens, std::size_t dim, float eps,
             float* out) noexcept;

using RmsnormRow = void(const float* x, const float* weight, std::size_t dim, float eps,
                        float* out) noexcept;
std::span<const Impl<RmsnormRow>> rmsnorm_impls();

}  // namespace aquilon::kernels
