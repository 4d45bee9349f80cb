// Repacks matrices of F16 and BF16 into the layout of float_layout.h.
#pragma once

#include <cstddef>
#include <optional>

#include "quant/float_layout.h"
#include "tensor/view.h"

namespace aquilon::quant {

// A packed matrix: ceil(rows / 16) groups in a row. Owns nothing; `data` is aligned to 64 bytes.
struct PackedFloats {
  const std::byte* data = nullptr;
  FloatPacking packing = FloatPacking::kBF16;
  std::size_t rows = 0;
  std::size_t columns = 0;

  bool empty() const { return data == nullptr; }
  std::size_t groups() const { return (rows + kFloatRows - 1) / kFloatRows; }
};

// None for other types, and for columns that are no multiple of 32.
std::optional<FloatPacking> float_packing_of(const tensor::MatrixView& matrix);

// Packs the groups [begin, end) of 16 rows of `matrix`, which has a packing.
//   out  the whole matrix's place: groups() * float_group_bytes(columns), zeroed, aligned to 64
// Errors: none. Threads: safe for groups that do not overlap.
void pack_float_groups(const tensor::MatrixView& matrix, std::size_t begin, std::size_t end,
                       std::byte* out) noexcept;

}  // namespace aquilon::quant
