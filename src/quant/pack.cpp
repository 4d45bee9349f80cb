#include "quant/pack.h"

#include <algorithm>

#include "base/check.h"
#include "quant/pack_chunk_internal.h"

namespace aquilon::quant {
std::optional<Packing> packing_of(tensor::DType type) {
  using tensor::DType;
  switch (type) {
    case DType::kQ4_0:
      return Packing::kQ4_0;
    case DType::kQ4_1:
      return Packing::kQ4_1;
    case DType::kQ5_0:
      return Packing::kQ5_0;
    case DType::kQ5_1:
      return Packing::kQ5_1;
    case DType::kQ8_0:
      return Packing::kQ8_0;
    case DType::kQ4_K:
      return Packing::kQ4_K;
    case DType::kQ5_K:
      return Packing::kQ5_K;
    case DType::kQ6_K:
      return Packing::kQ6_K;
    case DType::kQ2_K:
      return Packing::kQ2_K;
    case DType::kQ3_K:
      return Packing::kQ3_K;
    case DType::kTQ1_0:
    case DType::kTQ2_0:
      return Packing::kTQ2_0;
    case DType::kIQ4_NL:
      return Packing::kIQ4_NL;
    case DType::kIQ4_XS:
      return Packing::kIQ4_XS;
    case DType::kIQ3_S:
      return Packing::kIQ3_S;
    case DType::kIQ3_XXS:
      return Packing::kIQ3_XXS;
    case DType::kIQ2_S:
    case DType::kIQ2_XS:
      return Packing::kIQ2_S;
    case DType::kIQ2_XXS:
      return Packing::kIQ2_XXS;
    case DType::kIQ1_M:
      return Packing::kIQ1_M;
    case DType::kIQ1_S:
      return Packing::kIQ1_S;
    case DType::kMXFP4:
      return Packing::kMXFP4;
    case DType::kNVFP4:
      return Packing::kNVFP4;
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kF8_E4M3:
    case DType::kF8_E4M3_B128:
      break;
  }
  return std::nullopt;
}

std::size_t packed_bytes(const tensor::MatrixView& matrix) {
  const auto packing = packing_of(matrix.dtype);
  AQ_CHECK(packing.has_value());
  return (matrix.rows + kGroupRows - 1) / kGroupRows * group_bytes(*packing, matrix.columns);
}

void pack_groups(const tensor::MatrixView& matrix, std::size_t begin, std::size_t end,
                 std::byte* out) noexcept {
  const Packing packing = *packing_of(matrix.dtype);
  const std::size_t chunk_in = tensor::row_bytes(matrix.dtype, kChunkColumns);
  const std::size_t stride = matrix.row_stride();
  auto* to = reinterpret_cast<Byte*>(out) + begin * group_bytes(packing, matrix.columns);
  for (std::size_t row = begin * kGroupRows; row < end * kGroupRows; row += kGroupRows) {
    const std::size_t rows = std::min(kGroupRows, matrix.rows - row);
    const auto* from = reinterpret_cast<const Byte*>(matrix.row(row));
    for (std::size_t k = 0; k < matrix.columns; k += kChunkColumns, from += chunk_in) {
      const std::size_t tiles = std::min(matrix.columns - k, kChunkColumns) / kTileColumns;
      // Sixteen streams are more than processors follow by themselves: the next group's are asked
      // for.
      for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t at = 0; at < chunk_in; at += 64)
          __builtin_prefetch(from + (i + kGroupRows) * stride + at, 0, 2);
      std::size_t r = 0;
      for (; r + FourRows::kRows <= rows; r += FourRows::kRows)
        ChunkPacker<FourRows>(packing, tiles, r, to)
            .pack(matrix.dtype, {from + r * stride, stride});
      for (; r < rows; ++r)
        ChunkPacker<OneRow>(packing, tiles, r, to).pack(matrix.dtype, {from + r * stride});
      to += chunk_bytes(packing, tiles);
    }
  }
}

}  // namespace aquilon::quant
