#pragma once

#include <cstddef>
#include <cstdint>

namespace aquilon::kernels {

// `type` is GGUF's number.
using EncodeBlocks = bool(std::uint32_t type, const float* x, const float* importance,
                          std::size_t n, unsigned char* out) noexcept;

EncodeBlocks encode_ref;
EncodeBlocks encode_avx2;
EncodeBlocks encode_avx512;

}  // namespace aquilon::kernels
