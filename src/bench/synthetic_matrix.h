// Packed matrices of random weights, for measuring kernels: their speed does not depend on values.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "quant/pack.h"
#include "quant/pack_floats.h"
#include "tensor/dtype.h"
#include "tensor/huge_buffer.h"

namespace aquilon::bench {

// The types that have a packing.
std::vector<tensor::DType> packed_types();

// Several matrices of one shape in one piece of memory, so that using them in turn finds none in a
// cache.
class SyntheticMatrices {
 public:
  // type     one of packed_types()
  // columns  a multiple of the type's block size.   Errors: kOutOfMemory.
  static Result<SyntheticMatrices> create(tensor::DType type, std::size_t rows, std::size_t columns,
                                          std::size_t count);

  std::size_t size() const { return count_; }
  bool are_floats() const { return !floats_.empty(); }
  const quant::PackedMatrix& operator[](std::size_t i) const { return matrices_[i]; }
  const quant::PackedFloats& floats(std::size_t i) const { return floats_[i]; }
  std::size_t matrix_bytes() const { return buffer_.size() / count_; }

 private:
  tensor::HugeBuffer buffer_;
  std::size_t count_ = 0;
  std::vector<quant::PackedMatrix> matrices_;  // these
  std::vector<quant::PackedFloats> floats_;    // or these
};

}  // namespace aquilon::bench
