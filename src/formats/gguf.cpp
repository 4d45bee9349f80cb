#include "formats/gguf.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/utf8.h"
#include "formats/folder_files_internal.h"
#include "formats/gguf_parser_internal.h"
#include "formats/gguf_parts_internal.h"
#include "formats/name_index_internal.h"

namespace aquilon::formats {
namespace {

// What a value is, for messages: "a string", "an array of 3 u32".
std::string describe(const GgufValue& value) {
  struct Describer {
    std::string operator()(std::uint64_t v) const { return fmt::format("the integer {}", v); }
    std::string operator()(std::int64_t v) const { return fmt::format("the integer {}", v); }
    std::string operator()(double v) const { return fmt::format("the number {}", v); }
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::string_view) const { return "a string"; }
    std::string operator()(const GgufArray& v) const {
      return fmt::format("an array of {} {}", v.count,
                         gguf_type_name(static_cast<std::uint32_t>(v.type)));
    }
  };
  return std::visit(Describer{}, value);
}

Error wrong_value(const GgufFile& file, std::string_view key, const GgufValue& value,
                  std::string_view wanted) {
  return make_error(Code::kCorrupt, "{} is {}, {} is needed", file.where(key), describe(value),
                    wanted);
}

}  // namespace

Result<GgufFile> GgufFile::open(const std::string& path) {
  return GgufParts::open(path);
}

Result<GgufFile> GgufFile::parse(std::span<const std::byte> bytes, std::string name) {
  return parse_part(bytes, std::move(name), false);
}

Result<GgufFile> GgufFile::parse_part(std::span<const std::byte> bytes, std::string name,
                                      bool parts_allowed) {
  GgufFile file;
  file.name_ = std::move(name);
  file.file_bytes_ = bytes.size();
  AQ_RETURN_IF_ERROR(GgufParser(file, bytes, parts_allowed).run());
  return file;
}

std::string GgufFile::damaged_file() const {
  if (!any_mapping_damaged()) return {};
  for (const MappedFile& map : maps_)
    if (map.damaged()) return map.path();
  return {};
}

std::vector<std::string> GgufFile::files() const {
  std::vector<std::string> files = small_files_;
  for (const MappedFile& map : maps_) files.push_back(map.path());
  return files;
}

std::string GgufFile::where(std::string_view key) const {
  const std::string_view behind = key.substr(std::min(key.find('.'), key.size() - 1) + 1);
  for (const SourceNames::Key& name : names_in_source_.keys)
    if (name.key == behind) return fmt::format("{}: '{}'", names_in_source_.path, name.own);
  const bool role = key.ends_with("_token_id") || key.ends_with("_token_ids");
  if (role && names_in_source_.tensor != nullptr)  // of one of several files
    return fmt::format("{}: '{}'", name_,
                       key.ends_with("bos_token_id") ? "bos_token_id" : "eos_token_id");
  return fmt::format("{}: metadata '{}'", name_, key);
}

std::string GgufFile::tensor_label(std::string_view name) const {
  return names_in_source_.tensor != nullptr ? names_in_source_.tensor(name) : std::string(name);
}

const GgufValue* GgufFile::find(std::string_view key) const {
  const std::optional<std::uint32_t> at = NameIndex(metadata_, &Entry::key).find(by_key_, key);
  return at ? &metadata_[*at].value : nullptr;
}

Result<const GgufValue*> GgufFile::require(std::string_view key) const {
  if (const GgufValue* value = find(key)) return value;
  return make_error(Code::kNotFound, "{} is missing", where(key));
}

Result<std::uint64_t> GgufFile::get_uint(std::string_view key, std::uint64_t max,
                                         std::uint64_t min) const {
  const GgufValue* value = AQ_TRY(require(key));
  std::optional<std::uint64_t> found;
  if (const auto* v = std::get_if<std::uint64_t>(value)) found = *v;
  if (const auto* v = std::get_if<std::int64_t>(value); v != nullptr && *v >= 0)
    found = static_cast<std::uint64_t>(*v);
  if (found && *found >= min && *found <= max) return *found;
  return wrong_value(*this, key, *value, fmt::format("an integer from {} to {}", min, max));
}

Result<double> GgufFile::get_float(std::string_view key) const {
  const GgufValue* value = AQ_TRY(require(key));
  if (const auto* v = std::get_if<double>(value); v != nullptr && std::isfinite(*v)) return *v;
  return wrong_value(*this, key, *value, "a finite floating-point number");
}

Result<bool> GgufFile::get_bool(std::string_view key) const {
  const GgufValue* value = AQ_TRY(require(key));
  if (const auto* v = std::get_if<bool>(value)) return *v;
  return wrong_value(*this, key, *value, "a bool");
}

Result<std::string_view> GgufFile::get_string(std::string_view key) const {
  const GgufValue* value = AQ_TRY(require(key));
  const auto* v = std::get_if<std::string_view>(value);
  if (v == nullptr) return wrong_value(*this, key, *value, "a string");
  if (!is_utf8(*v)) return wrong_value(*this, key, *value, "valid UTF-8");
  return *v;
}

Result<const GgufArray*> GgufFile::get_array(std::string_view key, GgufType type) const {
  const GgufValue* value = AQ_TRY(require(key));
  if (const auto* v = std::get_if<GgufArray>(value); v != nullptr && v->type == type) return v;
  return wrong_value(
      *this, key, *value,
      fmt::format("an array of {}", gguf_type_name(static_cast<std::uint32_t>(type))));
}

std::vector<std::string> GgufFile::weight_paths() const {
  std::vector<std::string> paths;
  for (const MappedFile& map : maps_) paths.push_back(map.path());
  return paths;
}

const GgufTensor* GgufFile::find_tensor(std::string_view name) const {
  const std::optional<std::uint32_t> at =
      NameIndex(tensors_, &GgufTensor::name).find(by_name_, name);
  return at ? &tensors_[*at] : nullptr;
}

tensor::MatrixView GgufFile::matrix(const GgufTensor& tensor) const {
  AQ_CHECK(tensor.dims.size() == 1 || tensor.dims.size() == 2);
  AQ_CHECK(tensor.data != nullptr);
  return {tensor.data, tensor.dtype, tensor.dims.size() == 2 ? tensor.dims[1] : 1, tensor.dims[0]};
}

void GgufFile::drop_pages(const tensor::MatrixView& matrix) const {
  drop_bytes(maps_, {matrix.data, matrix.rows * matrix.row_stride()});
}

}  // namespace aquilon::formats
