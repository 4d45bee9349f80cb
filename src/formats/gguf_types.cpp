#include <fmt/format.h>

#include "formats/gguf_types_internal.h"
#include "tensor/dtype.h"

namespace aquilon::formats {
namespace {

struct ValueType {
  std::string_view name;
  std::size_t bytes;
};

constexpr ValueType kValueTypes[] = {
    {"u8", 1},   {"i8", 1},     {"u16", 2},   {"i16", 2}, {"u32", 4}, {"i32", 4}, {"f32", 4},
    {"bool", 1}, {"string", 0}, {"array", 0}, {"u64", 8}, {"i64", 8}, {"f64", 8},
};

struct TensorType {
  std::uint32_t type;
  std::string_view name;
};

constexpr TensorType kUnreadTensorTypes[] = {
    {9, "Q8_1"}, {15, "Q8_K"}, {24, "I8"},  {25, "I16"},
    {26, "I32"}, {27, "I64"},  {28, "F64"}, {41, "Q1_0"},
};

}  // namespace

std::size_t gguf_type_bytes(std::uint32_t type) {
  return type < std::size(kValueTypes) ? kValueTypes[type].bytes : 0;
}

std::string gguf_type_name(std::uint32_t type) {
  if (type >= std::size(kValueTypes)) return fmt::format("type {}", type);
  return std::string(kValueTypes[type].name);
}

std::string_view unread_tensor_type_name(std::uint32_t type) {
  for (const TensorType& known : kUnreadTensorTypes)
    if (known.type == type) return known.name;
  return {};
}

std::string readable_tensor_types() {
  std::string list;
  for (const tensor::DTypeInfo& info : tensor::kDTypes)
    list += fmt::format("{}{}", list.empty() ? "" : ", ", info.name);
  return list;
}

}  // namespace aquilon::formats
