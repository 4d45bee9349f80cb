// The fields that say how an embedding is written.
#include <array>
#include <utility>

#include "api/field_readers_internal.h"
#include "api/field_values_internal.h"

namespace aquilon::api {
namespace {

namespace json = boost::json;

Location at(const Field& field) {
  return {std::string(field.name)};
}

}  // namespace

Refusal read_encoding_format(const Field& field, const json::value& value, CompletionRequest& out) {
  std::string name;
  if (Refusal refusal = read_string(value, at(field), name)) return refusal;
  if (name != "float" && name != "base64")
    return invalid_value(at(field), "enum", "expected 'float' or 'base64'");
  out.embedding.base64 = name == "base64";
  return {};
}

Refusal read_dimension(const Field& field, const json::value& value, CompletionRequest& out) {
  std::int64_t number = 0;
  if (Refusal refusal = read_integer(value, at(field), field.min, field.max, number))
    return refusal;
  out.embedding.dimension = static_cast<int>(number);
  return {};
}

Refusal read_output_dtype(const Field& field, const json::value& value, CompletionRequest& out) {
  using Dtype = EmbeddingForm::Dtype;
  static constexpr std::array<std::pair<std::string_view, Dtype>, 5> kNames = {
      {{"float", Dtype::kFloat},
       {"int8", Dtype::kInt8},
       {"uint8", Dtype::kUint8},
       {"binary", Dtype::kBinary},
       {"ubinary", Dtype::kUbinary}}};
  std::string name;
  if (Refusal refusal = read_string(value, at(field), name)) return refusal;
  for (const auto& [known, dtype] : kNames) {
    if (known != name) continue;
    out.embedding.dtype = dtype;
    return {};
  }
  return invalid_value(at(field), "enum",
                       "expected 'float', 'int8', 'uint8', 'binary' or 'ubinary'");
}

}  // namespace aquilon::api
