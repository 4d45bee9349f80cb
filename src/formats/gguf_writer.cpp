#include "formats/gguf_writer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "base/checked_math.h"
#include "base/utf8.h"
#include "formats/gguf_types_internal.h"

namespace aquilon::formats {
namespace {

constexpr std::uint32_t kVersion = 3;
constexpr std::string_view kAlignmentKey = "general.alignment";

Error refused(std::string_view what, std::string_view name, std::string_view why) {
  return make_error(Code::kInvalidArgument, "cannot write the {} '{}': {}", what,
                    name.substr(0, 80), why);
}

// As GgufCursor::name reads one.
bool is_name(std::string_view name, std::uint64_t max_bytes) {
  return !name.empty() && name.size() <= max_bytes && is_utf8(name) &&
         std::none_of(name.begin(), name.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

std::uint64_t aligned(std::uint64_t n) {
  return (n + kGgufDefaultAlignment - 1) / kGgufDefaultAlignment * kGgufDefaultAlignment;
}

template <class T>
bool fits(std::uint64_t value) {
  return value <= static_cast<std::uint64_t>(std::numeric_limits<T>::max());
}

template <class T>
bool fits(std::int64_t value) {
  return value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max();
}

}  // namespace

template <class T>
void GgufWriter::append(T value) {
  entries_.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void GgufWriter::append_text(std::string_view text) {
  append(std::uint64_t{text.size()});
  entries_ += text;
}

Status GgufWriter::start_entry(std::string_view key, GgufType type) {
  AQ_CHECK(!out_);
  if (!is_name(key, kGgufMaxKeyBytes))
    return refused("key", key, "it must be 1 to 65535 bytes of UTF-8 without control characters");
  if (key == kAlignmentKey) return refused("key", key, "tensors are aligned to 32 bytes always");
  if (!keys_.emplace(key).second) return refused("key", key, "it is there already");
  append_text(key);
  append(static_cast<std::uint32_t>(type));
  return {};
}

Status GgufWriter::put_uint(std::string_view key, GgufType type, std::uint64_t value) {
  const std::string why =
      fmt::format("{} is no {}", value, gguf_type_name(static_cast<std::uint32_t>(type)));
  const auto put_as = [&]<class T>(T) -> Status {
    if (!fits<T>(value)) return refused("key", key, why);
    AQ_RETURN_IF_ERROR(start_entry(key, type));
    append(static_cast<T>(value));
    return {};
  };
  switch (type) {
    case GgufType::kU8:
      return put_as(std::uint8_t{});
    case GgufType::kU16:
      return put_as(std::uint16_t{});
    case GgufType::kU32:
      return put_as(std::uint32_t{});
    case GgufType::kU64:
      return put_as(std::uint64_t{});
    default:
      return refused("key", key, why);
  }
}

Status GgufWriter::put_int(std::string_view key, GgufType type, std::int64_t value) {
  const std::string why =
      fmt::format("{} is no {}", value, gguf_type_name(static_cast<std::uint32_t>(type)));
  const auto put_as = [&]<class T>(T) -> Status {
    if (!fits<T>(value)) return refused("key", key, why);
    AQ_RETURN_IF_ERROR(start_entry(key, type));
    append(static_cast<T>(value));
    return {};
  };
  switch (type) {
    case GgufType::kI8:
      return put_as(std::int8_t{});
    case GgufType::kI16:
      return put_as(std::int16_t{});
    case GgufType::kI32:
      return put_as(std::int32_t{});
    case GgufType::kI64:
      return put_as(std::int64_t{});
    default:
      return refused("key", key, why);
  }
}

Status GgufWriter::put_float(std::string_view key, GgufType type, double value) {
  if (type == GgufType::kF64) {
    AQ_RETURN_IF_ERROR(start_entry(key, type));
    append(value);
    return {};
  }
  const auto narrow = static_cast<float>(value);
  if (type != GgufType::kF32 || (static_cast<double>(narrow) != value && !std::isnan(value)))
    return refused(
        "key", key,
        fmt::format("{} is no {}", value, gguf_type_name(static_cast<std::uint32_t>(type))));
  AQ_RETURN_IF_ERROR(start_entry(key, type));
  append(narrow);
  return {};
}

Status GgufWriter::put_bool(std::string_view key, bool value) {
  AQ_RETURN_IF_ERROR(start_entry(key, GgufType::kBool));
  append(static_cast<std::uint8_t>(value ? 1 : 0));
  return {};
}

Status GgufWriter::put_text(std::string_view key, std::string_view value) {
  AQ_RETURN_IF_ERROR(start_entry(key, GgufType::kString));
  append_text(value);
  return {};
}

Status GgufWriter::put_array(std::string_view key, GgufType type, std::span<const std::byte> raw) {
  const std::size_t element = gguf_type_bytes(static_cast<std::uint32_t>(type));
  if (element == 0 || raw.size() % element != 0)
    return refused("key", key, "its bytes are no numbers of its type");
  AQ_RETURN_IF_ERROR(start_entry(key, GgufType::kArray));
  append(static_cast<std::uint32_t>(type));
  append(std::uint64_t{raw.size() / element});
  entries_.append(reinterpret_cast<const char*>(raw.data()), raw.size());
  return {};
}

Status GgufWriter::put_texts(std::string_view key, std::span<const std::string_view> values) {
  AQ_RETURN_IF_ERROR(start_entry(key, GgufType::kArray));
  append(static_cast<std::uint32_t>(GgufType::kString));
  append(std::uint64_t{values.size()});
  for (const std::string_view value : values) append_text(value);
  return {};
}

Status GgufWriter::put(std::string_view key, const GgufValue& value) {
  if (const auto* v = std::get_if<std::uint64_t>(&value))
    return put_uint(key, fits<std::uint32_t>(*v) ? GgufType::kU32 : GgufType::kU64, *v);
  if (const auto* v = std::get_if<std::int64_t>(&value))
    return put_int(key, fits<std::int32_t>(*v) ? GgufType::kI32 : GgufType::kI64, *v);
  if (const auto* v = std::get_if<double>(&value)) {
    const bool narrow = static_cast<double>(static_cast<float>(*v)) == *v || std::isnan(*v);
    return put_float(key, narrow ? GgufType::kF32 : GgufType::kF64, *v);
  }
  if (const auto* v = std::get_if<bool>(&value)) return put_bool(key, *v);
  if (const auto* v = std::get_if<std::string_view>(&value)) return put_text(key, *v);
  const auto& array = std::get<GgufArray>(value);
  return array.type == GgufType::kString ? put_texts(key, array.strings)
                                         : put_array(key, array.type, array.raw);
}

Status GgufWriter::put(const GgufFile::Entry& entry) {
  if (entry.type) {
    if (const auto* v = std::get_if<std::uint64_t>(&entry.value))
      return put_uint(entry.key, *entry.type, *v);
    if (const auto* v = std::get_if<std::int64_t>(&entry.value))
      return put_int(entry.key, *entry.type, *v);
    if (const auto* v = std::get_if<double>(&entry.value))
      return put_float(entry.key, *entry.type, *v);
  }
  return put(entry.key, entry.value);
}

Status GgufWriter::declare(std::string_view name, tensor::DType dtype,
                           const std::vector<std::uint64_t>& dims) {
  AQ_CHECK(!out_);
  const tensor::DTypeInfo& info = tensor::dtype_info(dtype);
  if (!is_name(name, kGgufMaxNameBytes))
    return refused("tensor", name, "a name has 1 to 64 bytes of UTF-8 without control characters");
  if (names_.contains(name)) return refused("tensor", name, "it is there already");
  if (tensor::find_dtype(static_cast<std::uint32_t>(dtype)) == nullptr)
    return refused("tensor", name, fmt::format("GGUF has no {}", info.name));
  if (dims.empty() || dims.size() > kGgufMaxDims || dims[0] % info.block_size != 0 ||
      std::count(dims.begin(), dims.end(), 0) != 0)
    return refused("tensor", name,
                   fmt::format("[{}] are no dimensions of {}", fmt::join(dims, ", "), info.name));
  CheckedSize bytes = CheckedSize(dims[0] / info.block_size) * info.block_bytes;
  for (std::size_t d = 1; d < dims.size(); ++d) bytes *= dims[d];
  const CheckedSize end = (bytes + data_bytes_).align_up(kGgufDefaultAlignment);
  if (!end.ok()) return refused("tensor", name, "it is too large");
  names_.emplace(name);
  tensors_.push_back({std::string(name), dtype, dims, data_bytes_, *bytes.value()});
  data_bytes_ = *end.value();
  return {};
}

// All that stands before the data, padded.
std::string GgufWriter::directory() const {
  GgufWriter out;
  out.entries_ = kGgufMagic;
  out.append(kVersion);
  out.append(std::uint64_t{tensors_.size()});
  out.append(std::uint64_t{keys_.size()});
  out.entries_ += entries_;
  for (const Tensor& tensor : tensors_) {
    out.append_text(tensor.name);
    out.append(static_cast<std::uint32_t>(tensor.dims.size()));
    for (const std::uint64_t dim : tensor.dims) out.append(dim);
    out.append(static_cast<std::uint32_t>(tensor.dtype));
    out.append(tensor.offset);
  }
  out.entries_.resize(aligned(out.entries_.size()));
  return std::move(out.entries_);
}

Status GgufWriter::begin(const std::string& path) {
  OutputFile file = AQ_TRY(OutputFile::create(path));
  const std::string head = directory();
  AQ_RETURN_IF_ERROR(file.write(head.data(), head.size()));
  out_.emplace(std::move(file));
  return {};
}

Status GgufWriter::write(std::span<const std::byte> data) {
  AQ_CHECK(out_);
  while (!data.empty()) {
    if (current_ == tensors_.size())
      return make_error(Code::kInvalidArgument, "{} bytes too many for the declared tensors",
                        data.size());
    const Tensor& tensor = tensors_[current_];
    const std::uint64_t left = tensor.offset + tensor.bytes - written_;
    const auto piece = data.first(std::min<std::uint64_t>(left, data.size()));
    AQ_RETURN_IF_ERROR(out_->write(piece.data(), piece.size()));
    written_ += piece.size();
    data = data.subspan(piece.size());
    if (piece.size() == left) AQ_RETURN_IF_ERROR(pad());
  }
  return {};
}

// Ends the current tensor.
Status GgufWriter::pad() {
  static constexpr std::array<std::byte, kGgufDefaultAlignment> kZeros{};
  const std::uint64_t end = aligned(written_);
  AQ_RETURN_IF_ERROR(out_->write(kZeros.data(), end - written_));
  written_ = end;
  ++current_;
  return {};
}

Status GgufWriter::finish() {
  AQ_CHECK(out_);
  if (current_ < tensors_.size())
    return refused("tensor", tensors_[current_].name, "its data is not complete");
  return out_->finish();
}

}  // namespace aquilon::formats
