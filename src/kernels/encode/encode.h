// f32 weights to stored blocks: the opposite of quant/decode.h.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/encode/encode_impl_internal.h"  // EncodeBlocks
#include "kernels/isa.h"
#include "tensor/dtype.h"

namespace aquilon::kernels {

// F32, F16, BF16, Q8_0, Q6_K, Q5_K, Q5_1, Q5_0, Q4_K, Q4_1, Q4_0.
bool can_encode(tensor::DType type) noexcept;

// Encodes values into blocks whose decoded values leave about the least sum of importance times
// squared error; F16 and BF16 are rounded to the nearest.
//   x           [n]  f32, finite
//   importance  [n]  f32, at least 0 and about 1 on average; null: all values count alike
//   out         n / block_size blocks, any alignment
// Requires: can_encode(type); n a multiple of its block size.
// Returns false, with `out` undefined, where values are beyond what the type holds.
// Threads: safe; runs on the caller. The same bits on every instruction set.
// Cost: 10 to 50 ns a value with AVX-512, up to 0.9 us without AVX2.
// Source: weighted least squares over candidate scales (quant/encode_fit.h).
bool encode(tensor::DType type, const float* x, const float* importance, std::size_t n,
            std::byte* out) noexcept;

std::span<const Impl<EncodeBlocks>> encode_impls();

}  // namespace aquilon::kernels
