// The types that a model can be written in, and which of its tensors get which element type.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "formats/gguf.h"
#include "tensor/dtype.h"

namespace aquilon::convert {

struct Target {
  std::string_view name;    // "Q4_K_M"
  std::uint32_t file_type;  // general.file_type
  tensor::DType dtype;      // of most matrices
};

std::span<const Target> targets();

// Upper and lower case are alike. Errors: kInvalidArgument lists the names.
Result<const Target*> find_target(std::string_view name);

// What of a model decides about its tensors' types.
struct ModelTraits {
  std::uint64_t layers = 0;
  std::uint64_t experts = 0;
  bool has_output = false;  // a matrix of its own; else the embeddings are the output too
  bool has_importance = false;
};

// Errors: kCorrupt for keys of the wrong type. Keys that are absent count as 0.
Result<ModelTraits> read_traits(const formats::GgufFile& file);

// The element type of a tensor, as llama-quantize chooses: vectors and routers are F32; embeddings
// and the output, and the layers that errors hurt most, get more bits (a table in target.cpp); rows
// that are no whole blocks of 256 get a type with blocks of 32, others F16.
//   dims  GGUF's order
tensor::DType dtype_of(const Target& target, const ModelTraits& model, std::string_view name,
                       std::span<const std::uint64_t> dims);

}  // namespace aquilon::convert
