// Exact decoding of GGUF blocks to f32: the meaning of every stored type.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace aquilon::quant {

// Decodes `n` values (a multiple of the type's block size) from `blocks` into `out`.
//   blocks  n / block_size blocks, any alignment
//   out     [n] f32
// Each value is what the format's definition gives in f32 arithmetic, product first, then sum, no
// fused rounding: bit-equal on every machine.
// Errors: none. Threads: safe. Source: the GGUF block definitions as implemented by the PyPI
// package gguf.
void decode(tensor::DType type, const std::byte* blocks, std::size_t n, float* out) noexcept;

// IEEE half and bfloat16 bits to f32, exactly (NaN payloads and subnormals included).
float f16_to_f32(std::uint16_t bits) noexcept;
float bf16_to_f32(std::uint16_t bits) noexcept;

}  // namespace aquilon::quant
