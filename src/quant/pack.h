// Repacks matrices of GGUF blocks into the layout of packed_layout.h, without loss.
#pragma once

#include <cstddef>
#include <optional>

#include "quant/packed_layout.h"
#include "tensor/view.h"

namespace aquilon::quant {

// A packed matrix: ceil(rows / 16) groups in a row. Owns nothing; `data` is aligned to 64 bytes.
struct PackedMatrix {
  const std::byte* data = nullptr;
  Packing packing = Packing::kQ4_0;
  std::size_t rows = 0;
  std::size_t columns = 0;

  bool empty() const { return data == nullptr; }
  std::size_t groups() const { return (rows + kGroupRows - 1) / kGroupRows; }
};

// The packing of a stored type; none for floats (pack_floats.h).
std::optional<Packing> packing_of(tensor::DType type);

// Bytes of the packed form of `matrix`, whose type has a packing.
std::size_t packed_bytes(const tensor::MatrixView& matrix);

// Packs the groups [begin, end) of 16 rows of `matrix`.
//   out  packed_bytes(matrix) bytes, zeroed, aligned to 64: the whole matrix's place
// Errors: none. Threads: safe for groups that do not overlap.
void pack_groups(const tensor::MatrixView& matrix, std::size_t begin, std::size_t end,
                 std::byte* out) noexcept;

}  // namespace aquilon::quant
