// FP8 matrices (e4m3) of safetensors files, with the factors that belong to them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/description_builder_internal.h"
#include "formats/safetensors.h"

namespace aquilon::formats {

// Factors of one tensor span `rows` x `columns` values each.
struct Fp8Blocks {
  std::uint64_t rows;
  std::uint64_t columns;
};

// A published factor is one for the tensor (Mistral's qscale_weight, weight_scale), one a row, or
// one a block (weight_scale_inv with quantization_config.weight_block_size).
struct Fp8Weight {
  const SafetensorsTensor* values;
  const SafetensorsTensor* factors;
  std::optional<Fp8Blocks> blocks;  // what the configuration says of blocks
  std::string_view path;            // of the file, for messages
};

// Puts the matrix [rows, columns] into the description as `name`: its 8 bits as they are, each 128
// with their factor (tensor::DType::kF8_E4M3_B128), so that nothing is rounded and a matrix takes 3
// % more than in the file. Where factors and rows do not fall on such blocks, as exact f32. Errors:
// kCorrupt for factors whose shape fits none of the published forms, or that are not finite;
// kUnsupported for their type; kOutOfMemory.
Status put_fp8(DescriptionBuilder& builder, std::string_view name, const Fp8Weight& weight);

}  // namespace aquilon::formats
