// A read-only matrix in one of the stored element types. Owns nothing.
#pragma once

#include <cstddef>

#include "tensor/dtype.h"

namespace aquilon::tensor {

// [rows, columns], rows contiguous and packed: row r starts at data + r * row_bytes(dtype,
// columns). A vector is one row. columns is a multiple of the dtype's block size.
struct MatrixView {
  const std::byte* data = nullptr;
  DType dtype = DType::kF32;
  std::size_t rows = 0;
  std::size_t columns = 0;

  bool empty() const { return data == nullptr; }
  std::size_t row_stride() const { return row_bytes(dtype, columns); }
  const std::byte* row(std::size_t r) const { return data + r * row_stride(); }
};

}  // namespace aquilon::tensor
