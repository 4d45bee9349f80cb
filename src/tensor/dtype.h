// Element types of stored tensors: GGUF's numbering, block sizes and names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/checked_math.h"

namespace aquilon::tensor {

// Values are those of GGUF files, above 2^16 our own.
enum class DType : std::uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kIQ2_XXS = 16,
  kIQ2_XS = 17,
  kIQ3_XXS = 18,
  kIQ1_S = 19,
  kIQ4_NL = 20,
  kIQ3_S = 21,
  kIQ2_S = 22,
  kIQ4_XS = 23,
  kIQ1_M = 29,
  kBF16 = 30,
  kTQ1_0 = 34,
  kTQ2_0 = 35,
  kMXFP4 = 39,
  kNVFP4 = 40,
  kF8_E4M3 = 0x10000,  // of safetensors: no infinity, one NaN of each sign
  // 128 such values behind their f32 factor: how FP8 matrices that come with factors are kept,
  // whatever each of those spans.
  kF8_E4M3_B128 = 0x10001,
};

struct DTypeInfo {
  DType type;
  std::string_view name;
  std::uint32_t block_size;  // values in a block; rows are whole blocks
  std::uint32_t block_bytes;
};

// What a GGUF file may hold.
inline constexpr DTypeInfo kDTypes[] = {
    {DType::kF32, "F32", 1, 4},
    {DType::kF16, "F16", 1, 2},
    {DType::kBF16, "BF16", 1, 2},
    {DType::kQ4_0, "Q4_0", 32, 18},
    {DType::kQ4_1, "Q4_1", 32, 20},
    {DType::kQ5_0, "Q5_0", 32, 22},
    {DType::kQ5_1, "Q5_1", 32, 24},
    {DType::kQ8_0, "Q8_0", 32, 34},
    {DType::kQ2_K, "Q2_K", 256, 84},
    {DType::kQ3_K, "Q3_K", 256, 110},
    {DType::kQ4_K, "Q4_K", 256, 144},
    {DType::kQ5_K, "Q5_K", 256, 176},
    {DType::kQ6_K, "Q6_K", 256, 210},
    {DType::kIQ4_NL, "IQ4_NL", 32, 18},
    {DType::kIQ4_XS, "IQ4_XS", 256, 136},
    {DType::kIQ3_S, "IQ3_S", 256, 110},
    {DType::kIQ3_XXS, "IQ3_XXS", 256, 98},
    {DType::kIQ2_S, "IQ2_S", 256, 82},
    {DType::kIQ2_XS, "IQ2_XS", 256, 74},
    {DType::kIQ2_XXS, "IQ2_XXS", 256, 66},
    {DType::kIQ1_M, "IQ1_M", 256, 56},
    {DType::kIQ1_S, "IQ1_S", 256, 50},
    {DType::kTQ2_0, "TQ2_0", 256, 66},
    {DType::kTQ1_0, "TQ1_0", 256, 54},
    {DType::kMXFP4, "MXFP4", 32, 17},
    {DType::kNVFP4, "NVFP4", 64, 36},
};
// What we hold besides, from other files.
inline constexpr DTypeInfo kOtherDTypes[] = {
    {DType::kF8_E4M3, "F8_E4M3", 1, 1},
    {DType::kF8_E4M3_B128, "F8_E4M3_B128", 128, 132},
};

// Null for a number that is not a type of GGUF files.
constexpr const DTypeInfo* find_dtype(std::uint32_t raw) {
  for (const DTypeInfo& info : kDTypes)
    if (static_cast<std::uint32_t>(info.type) == raw) return &info;
  return nullptr;
}

constexpr const DTypeInfo& dtype_info(DType type) {
  for (const DTypeInfo& info : kOtherDTypes)
    if (info.type == type) return info;
  return *find_dtype(static_cast<std::uint32_t>(type));
}

// Bytes of a row of `columns` values, a multiple of the block size.
constexpr std::size_t row_bytes(DType type, std::size_t columns) {
  const DTypeInfo& info = dtype_info(type);
  return columns / info.block_size * info.block_bytes;
}

}  // namespace aquilon::tensor
