// The product in plain loops: what every instruction set must reproduce bit for bit.
#include <algorithm>
#include <cmath>

#include "kernels/floats/float_linear_impl_internal.h"
#include "quant/blocks_load.h"

namespace aquilon::kernels {
namespace {

using quant::kFloatLine;
using quant::kFloatRows;

float weight(quant::FloatPacking packing, const unsigned char* group, std::size_t row,
             std::size_t column) {
  const unsigned char* line = group + column / 2 * kFloatLine;
  if (packing == quant::FloatPacking::kF16)
    return quant::blocks::load_half(line + column % 2 * (kFloatLine / 2) + 2 * row);
  return quant::blocks::bfloat_to_float(quant::blocks::load_u16(line + 4 * row + column % 2 * 2));
}

}  // namespace

void float_groups_ref(const FloatJob& job, std::size_t begin, std::size_t end) noexcept {
  const std::size_t bytes = quant::float_group_bytes(job.columns);
  std::size_t token = 0;
  for (std::size_t i = 0; i < job.tiles; ++i) {
    const std::size_t n = job.tile_tokens + (i < job.wider ? 1 : 0);
    const float* x = job.x + token * job.columns;
    for (std::size_t r = begin * kFloatRows; r < std::min(end * kFloatRows, job.rows); ++r)
      for (std::size_t t = 0; t < n; ++t) {
        const unsigned char* group = job.w + r / kFloatRows * bytes;
        float sum = 0;
        for (std::size_t k = 0; k < job.columns; ++k)
          sum = std::fma(weight(job.packing, group, r % kFloatRows, k), x[k * n + t], sum);
        if (job.bias != nullptr) sum += job.bias[r];
        float& out = job.out[(token + t) * job.out_stride + r];
        out = job.add ? out + sum : sum;
      }
    token += n;
  }
}

}  // namespace aquilon::kernels
