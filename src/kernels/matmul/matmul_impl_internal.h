#pragma once

#include <cstddef>
#include <cstdint>

namespace aquilon::kernels {

// A matmul as plain numbers and pointers, so that instruction-set files need no other header.
struct MatmulJob {
  const unsigned char* w;  // [N, K] blocks
  std::uint32_t dtype;     // GGUF's number
  std::size_t block_size;  // values
  std::size_t block_bytes;
  std::size_t columns;     // K
  const float* x;          // [T, K]
  std::size_t tokens;      // T
  float* out;              // [T, out_stride]
  std::size_t out_stride;  // N
};

// Computes rows [begin, end) of the output for all tokens.
using MatmulRows = void(const MatmulJob& job, std::size_t begin, std::size_t end) noexcept;

MatmulRows matmul_rows_ref;
MatmulRows matmul_rows_avx2;
MatmulRows matmul_rows_avx512;

}  // namespace aquilon::kernels
