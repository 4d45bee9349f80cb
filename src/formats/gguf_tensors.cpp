#include <algorithm>
#include <numeric>

#include "formats/gguf_parser_internal.h"
#include "formats/name_index_internal.h"
#include "tensor/dtype.h"

namespace aquilon::formats {

Status GgufParser::read_tensors() {
  file_.tensors_.reserve(tensor_count_);
  tensor_offsets_.reserve(tensor_count_);
  for (std::uint64_t i = 0; i < tensor_count_; ++i) AQ_RETURN_IF_ERROR(read_tensor(i));

  const NameIndex index(file_.tensors_, &GgufTensor::name);
  file_.by_name_ = index.sorted();
  if (const auto twins = index.twins(file_.by_name_))
    return layout_error(twins->second,
                        fmt::format("name: already used by tensor {}", twins->first));
  return place_tensors();
}

Status GgufParser::read_tensor(std::uint64_t index) {
  cursor_.set_subject({"tensor", index, {}});
  GgufTensor tensor{};
  tensor.name = AQ_TRY(cursor_.name("name", kGgufMaxNameBytes));
  cursor_.set_subject({"tensor", index, tensor.name});
  AQ_RETURN_IF_ERROR(read_dims(tensor));
  AQ_RETURN_IF_ERROR(read_dtype(tensor));
  AQ_RETURN_IF_ERROR(read_offset(tensor));
  file_.tensors_.push_back(std::move(tensor));
  return {};
}

Status GgufParser::read_dims(GgufTensor& tensor) {
  const std::uint64_t start = cursor_.offset();
  const auto count = AQ_TRY(cursor_.number<std::uint32_t>("dimension count"));
  if (count < 1 || count > kGgufMaxDims)
    return cursor_.error_at(
        start, Code::kCorrupt,
        fmt::format("dimension count: {}, 1 to {} are allowed", count, kGgufMaxDims));
  tensor.dims.reserve(count);
  for (std::uint32_t d = 0; d < count; ++d) {
    const std::uint64_t at = cursor_.offset();
    const auto size = AQ_TRY(cursor_.number<std::uint64_t>("dimension"));
    if (size == 0)
      return cursor_.error_at(at, Code::kCorrupt, fmt::format("dimension {}: is zero", d));
    tensor.dims.push_back(size);
  }
  return {};
}

// Type, and from it and the dimensions the size in bytes, which can't exceed the file's.
Status GgufParser::read_dtype(GgufTensor& tensor) {
  const std::uint64_t start = cursor_.offset();
  const auto raw = AQ_TRY(cursor_.number<std::uint32_t>("tensor type"));
  const tensor::DTypeInfo* info = tensor::find_dtype(raw);
  if (info == nullptr) {
    const std::string_view name = unread_tensor_type_name(raw);
    return cursor_.error_at(
        start, Code::kUnsupported,
        fmt::format("tensor type: {}{} is not read; {} are", name.empty() ? "number " : name,
                    name.empty() ? fmt::to_string(raw) : "", readable_tensor_types()));
  }
  tensor.dtype = info->type;
  if (tensor.dims[0] % info->block_size != 0)
    return cursor_.error_at(start, Code::kCorrupt,
                            fmt::format("dimension 0: {} is not a multiple of {}'s block of {}",
                                        tensor.dims[0], info->name, info->block_size));
  CheckedSize bytes = CheckedSize(tensor.dims[0] / info->block_size) * info->block_bytes;
  for (std::size_t d = 1; d < tensor.dims.size(); ++d) bytes *= tensor.dims[d];
  if (!bytes.at_most(bytes_.size()))
    return cursor_.error_at(start, Code::kCorrupt,
                            fmt::format("dimensions: [{}] of {} are more than the file's {} bytes",
                                        fmt::join(tensor.dims, ", "), info->name, bytes_.size()));
  tensor.bytes = *bytes.value();
  return {};
}

// file_offset counts from the start of the data for now: that is known after the last tensor.
Status GgufParser::read_offset(GgufTensor& tensor) {
  tensor_offsets_.push_back(cursor_.offset());
  tensor.file_offset = AQ_TRY(cursor_.number<std::uint64_t>("offset"));
  if (tensor.file_offset % alignment_ != 0)
    return cursor_.error_at(tensor_offsets_.back(), Code::kCorrupt,
                            fmt::format("offset: {} is not a multiple of the alignment {}",
                                        tensor.file_offset, alignment_));
  return {};
}

// The tensors must tile the data: in the order of their offsets each begins where the one before
// ends, rounded up to the alignment, and nothing but such padding may follow the last. A file that
// has bytes to spare was cut, patched or misread; llama.cpp refuses those too.
Status GgufParser::place_tensors() {
  auto& tensors = file_.tensors_;
  const CheckedSize data_start = CheckedSize(cursor_.offset()).align_up(alignment_);
  std::vector<std::uint32_t> by_offset(tensors.size());
  std::iota(by_offset.begin(), by_offset.end(), 0u);
  std::sort(by_offset.begin(), by_offset.end(), [&tensors](std::uint32_t a, std::uint32_t b) {
    return tensors[a].file_offset < tensors[b].file_offset;
  });

  CheckedSize expected = 0;  // from data_start
  CheckedSize file_end = cursor_.offset();
  for (const std::uint32_t i : by_offset) {
    GgufTensor& tensor = tensors[i];
    if (expected.value() != tensor.file_offset)
      return layout_error(
          i, fmt::format("offset: {}, but the data before it ends at {}: {}", tensor.file_offset,
                         *expected.value(),
                         expected.at_most(tensor.file_offset) ? "a gap" : "overlap"));
    file_end = data_start + tensor.file_offset + tensor.bytes;
    if (!file_end.at_most(bytes_.size()))
      return layout_error(
          i, fmt::format("data: {} bytes from byte {} reach beyond the file's {}", tensor.bytes,
                         (data_start + tensor.file_offset).value().value_or(0), bytes_.size()));
    expected = (CheckedSize(tensor.file_offset) + tensor.bytes).align_up(alignment_);
    tensor.file_offset = *(data_start + tensor.file_offset).value();
    tensor.data = bytes_.data() + tensor.file_offset;
  }
  return check_end(*file_end.value());
}

Status GgufParser::check_end(std::uint64_t data_end) {
  const CheckedSize padded_end = CheckedSize(data_end).align_up(alignment_);
  const std::uint64_t file_bytes = bytes_.size();
  if (CheckedSize(file_bytes).at_most(*padded_end.value())) return {};
  cursor_.set_subject({});
  return cursor_.error_at(
      data_end, Code::kCorrupt,
      fmt::format("end of data: {} bytes follow, more than padding", file_bytes - data_end));
}

Error GgufParser::layout_error(std::uint32_t tensor, std::string_view what) {
  cursor_.set_subject({"tensor", tensor, file_.tensors_[tensor].name});
  return cursor_.error_at(tensor_offsets_[tensor], Code::kCorrupt, what);
}

}  // namespace aquilon::formats
