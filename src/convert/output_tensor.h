// The tensors of a model as a GGUF file holds them, whatever it was read from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "formats/gguf.h"
#include "tensor/dtype.h"

namespace aquilon::convert {

// A row of a tensor as it is stored now.
struct StoredRow {
  const std::byte* data;
  tensor::DType dtype;
};

// A tensor to write and where its values come from. Views of the description that it was made of.
struct OutputTensor {
  std::string name;
  std::vector<std::uint64_t> dims;  // GGUF's order
  // One, or one an expert: matrices of equal shape that are stacked.
  std::vector<const formats::GgufTensor*> parts;
  // Rows of queries and keys in Hugging Face's order are put into GGUF's: in each head of
  // `head_rows` rows, the first `turned_rows` from two halves to pairs. 0: rows stay.
  std::uint64_t head_rows = 0;
  std::uint64_t turned_rows = 0;

  // A vector is one row, but one that is turned a row for each value.
  std::uint64_t columns() const;
  std::uint64_t rows() const;         // of all matrices
  std::uint64_t matrix_rows() const;  // of one matrix
  std::uint64_t matrices() const { return rows() / matrix_rows(); }
  tensor::DType stored_dtype() const { return parts[0]->dtype; }
  // Where matrix m is stored now.
  const std::byte* stored_matrix(std::uint64_t m) const;
  // Row r of the tensor to be.
  StoredRow row(std::uint64_t r) const;
};

// In the order of the description; experts that are matrices of their own become one stack each.
// Errors: kCorrupt for experts that are missing or of other shapes; those of model::read_config,
// for folders.
Result<std::vector<OutputTensor>> plan_output(const formats::GgufFile& file);

}  // namespace aquilon::convert
