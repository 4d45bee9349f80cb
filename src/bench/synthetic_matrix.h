// Packed matrices of random quants, for measuring kernels: their speed does not depend on values.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "quant/pack.h"
#include "tensor/dtype.h"
#include "tensor/huge_buffer.h"

namespace aquilon::bench {

// The types that have a packing.
std::vector<tensor::DType> packed_types();

// Several matrices of one shape in one piece of memory, so that using them in turn finds none in a
// cache.
class SyntheticMatrices {
 public:
  // columns  a multiple of the type's block size.   Errors: kOutOfMemory.
  static Result<SyntheticMatrices> create(tensor::DType type, std::size_t rows, std::size_t columns,
                                          std::size_t count);

  std::size_t size() const { return matrices_.size(); }
  const quant::PackedMatrix& operator[](std::size_t i) const { return matrices_[i]; }
  std::size_t matrix_bytes() const { return buffer_.size() / matrices_.size(); }

 private:
  tensor::HugeBuffer buffer_;
  std::vector<quant::PackedMatrix> matrices_;
};

}  // namespace aquilon::bench
