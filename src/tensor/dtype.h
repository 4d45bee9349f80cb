// Element types of stored tensors: GGUF's numbering, block sizes and names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/checked_math.h"

namespace aquilon::tensor {

// Values are those of GGUF files.
enum class DType : std::uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kBF16 = 30,
};

struct DTypeInfo {
  DType type;
  std::string_view name;
  std::uint32_t block_size;  // values in a block; rows are whole blocks
  std::uint32_t block_bytes;
};

inline constexpr DTypeInfo kDTypes[] = {
    {DType::kF32, "F32", 1, 4},       {DType::kF16, "F16", 1, 2},
    {DType::kBF16, "BF16", 1, 2},     {DType::kQ4_0, "Q4_0", 32, 18},
    {DType::kQ4_1, "Q4_1", 32, 20},   {DType::kQ5_0, "Q5_0", 32, 22},
    {DType::kQ5_1, "Q5_1", 32, 24},   {DType::kQ8_0, "Q8_0", 32, 34},
    {DType::kQ4_K, "Q4_K", 256, 144}, {DType::kQ5_K, "Q5_K", 256, 176},
    {DType::kQ6_K, "Q6_K", 256, 210},
};

// Null for a value that is not a DType.
constexpr const DTypeInfo* find_dtype(std::uint32_t raw) {
  for (const DTypeInfo& info : kDTypes)
    if (static_cast<std::uint32_t>(info.type) == raw) return &info;
  return nullptr;
}

constexpr const DTypeInfo& dtype_info(DType type) {
  return *find_dtype(static_cast<std::uint32_t>(type));
}

// Bytes of a row of `columns` values, a multiple of the block size.
constexpr std::size_t row_bytes(DType type, std::size_t columns) {
  const DTypeInfo& info = dtype_info(type);
  return columns / info.block_size * info.block_bytes;
}

}  // namespace aquilon::tensor
