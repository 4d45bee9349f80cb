#include <cstring>
#include <new>

#include "base/check.h"
#include "formats/description_builder_internal.h"
#include "formats/name_index_internal.h"

namespace aquilon::formats {

DescriptionBuilder::DescriptionBuilder(std::string path) {
  file_.name_ = std::move(path);
}

std::string_view DescriptionBuilder::keep_text(std::string_view text) {
  return file_.texts_.emplace_back(text);
}

void DescriptionBuilder::put(std::string_view key, GgufValue value) {
  file_.metadata_.push_back({keep_text(key), std::move(value)});
}

void DescriptionBuilder::put_count(std::string_view key, std::uint64_t value) {
  put(key, value);
}

void DescriptionBuilder::put_number(std::string_view key, double value) {
  put(key, value);
}

void DescriptionBuilder::put_f32(std::string_view key, double value) {
  put(key, static_cast<double>(static_cast<float>(value)));
}

void DescriptionBuilder::put_flag(std::string_view key, bool value) {
  put(key, value);
}

void DescriptionBuilder::put_text(std::string_view key, std::string_view value) {
  put(key, keep_text(value));
}

void DescriptionBuilder::put_array(std::string_view key, GgufType type, std::uint64_t count,
                                   std::span<const std::byte> raw) {
  const std::string_view kept = keep_text({reinterpret_cast<const char*>(raw.data()), raw.size()});
  put(key, GgufArray{.type = type,
                     .count = count,
                     .raw = std::as_bytes(std::span(kept.data(), kept.size())),
                     .strings = {}});
}

void DescriptionBuilder::put_flags(std::string_view key, const std::vector<bool>& values) {
  std::vector<std::byte> raw;
  for (const bool value : values) raw.push_back(value ? std::byte{1} : std::byte{0});
  put_array(key, GgufType::kBool, values.size(), raw);
}

void DescriptionBuilder::put_counts(std::string_view key,
                                    const std::vector<std::uint32_t>& values) {
  put_array(key, GgufType::kU32, values.size(), std::as_bytes(std::span(values)));
}

void DescriptionBuilder::view(std::string_view name, tensor::DType dtype,
                              std::vector<std::uint64_t> dims, std::uint64_t file_offset,
                              std::span<const std::byte> data) {
  file_.tensors_.push_back(
      {keep_text(name), dtype, std::move(dims), file_offset, data.size(), data.data()});
}

Result<std::span<std::byte>> DescriptionBuilder::allocate(std::string_view name,
                                                          tensor::DType dtype,
                                                          std::vector<std::uint64_t> dims) {
  std::size_t bytes = tensor::row_bytes(dtype, dims[0]);
  for (std::size_t d = 1; d < dims.size(); ++d) bytes *= dims[d];
  std::unique_ptr<std::byte[]> buffer(new (std::nothrow) std::byte[bytes]);
  if (!buffer)
    return make_error(Code::kOutOfMemory, "{}: no memory for the {} bytes of tensor '{}'",
                      file_.name_, bytes, name);
  const std::span<std::byte> data(buffer.get(), bytes);
  file_.buffers_.push_back(std::move(buffer));
  view(name, dtype, std::move(dims), 0, data);
  return data;
}

void DescriptionBuilder::keep(std::vector<MappedFile> maps) {
  for (MappedFile& map : maps) file_.maps_.push_back(std::move(map));
}

Result<GgufFile> DescriptionBuilder::finish() && {
  const NameIndex keys(file_.metadata_, &GgufFile::Entry::key);
  file_.by_key_ = keys.sorted();
  AQ_CHECK(!keys.twins(file_.by_key_));
  const NameIndex names(file_.tensors_, &GgufTensor::name);
  file_.by_name_ = names.sorted();
  if (const auto twins = names.twins(file_.by_name_))
    return make_error(Code::kCorrupt, "{}: two tensors stand for '{}'", file_.name_,
                      file_.tensors_[twins->first].name);
  return std::move(file_);
}

}  // namespace aquilon::formats
