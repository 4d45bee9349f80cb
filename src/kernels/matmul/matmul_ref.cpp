// The specification: weights decoded to f32, products and sums in double, ascending k.
#include "kernels/matmul/matmul_impl_internal.h"
#include "quant/blocks_decode.h"

namespace aquilon::kernels {

void matmul_rows_ref(const MatmulJob& job, std::size_t begin, std::size_t end) noexcept {
  constexpr std::size_t kChunk = 256;  // values decoded at a time: a multiple of every block size
  float w[kChunk];
  const std::size_t row_bytes = job.columns / job.block_size * job.block_bytes;
  for (std::size_t r = begin; r < end; ++r) {
    const unsigned char* row = job.w + r * row_bytes;
    for (std::size_t t = 0; t < job.tokens; ++t) {
      double sum = 0;
      for (std::size_t k0 = 0; k0 < job.columns; k0 += kChunk) {
        const std::size_t n = job.columns - k0 < kChunk ? job.columns - k0 : kChunk;
        quant::blocks::decode_any(job.dtype, row + k0 / job.block_size * job.block_bytes, n, w);
        const float* x = job.x + t * job.columns + k0;
        for (std::size_t k = 0; k < n; ++k) sum += static_cast<double>(w[k]) * x[k];
      }
      job.out[t * job.out_stride + r] = static_cast<float>(sum);
    }
  }
}

}  // namespace aquilon::kernels
