#include <bit>

#include "formats/gguf_parser_internal.h"
#include "formats/name_index_internal.h"

namespace aquilon::formats {
namespace {

constexpr std::string_view kAlignmentKey = "general.alignment";
constexpr std::string_view kSplitCountKey = "split.count";
constexpr std::string_view kSplitNumberKey = "split.no";
constexpr std::string_view kSplitTensorsKey = "split.tensors.count";
constexpr std::uint64_t kMaxParts = 4096;  // names have five digits, published models dozens

std::optional<std::uint64_t> whole_number(const GgufValue& value) {
  if (const auto* v = std::get_if<std::uint64_t>(&value)) return *v;
  if (const auto* v = std::get_if<std::int64_t>(&value); v != nullptr && *v >= 0)
    return static_cast<std::uint64_t>(*v);
  return std::nullopt;
}

}  // namespace

Status GgufParser::read_metadata() {
  file_.metadata_.reserve(entry_count_);
  entry_offsets_.reserve(entry_count_);
  for (std::uint64_t i = 0; i < entry_count_; ++i) AQ_RETURN_IF_ERROR(read_entry(i));

  const auto& entries = file_.metadata_;
  const NameIndex index(entries, &GgufFile::Entry::key);
  file_.by_key_ = index.sorted();
  const auto twins = index.twins(file_.by_key_);
  if (!twins) return {};
  const auto [first, later] = *twins;
  cursor_.set_subject({"metadata entry", later, entries[later].key});
  return cursor_.error_at(entry_offsets_[later], Code::kCorrupt,
                          fmt::format("key: already used by entry {}", first));
}

Status GgufParser::read_entry(std::uint64_t index) {
  cursor_.set_subject({"metadata entry", index, {}});
  entry_offsets_.push_back(cursor_.offset());
  const std::string_view key = AQ_TRY(cursor_.name("key", kGgufMaxKeyBytes));
  cursor_.set_subject({"metadata entry", index, key});
  const auto type = AQ_TRY(cursor_.number<std::uint32_t>("value type"));
  const std::uint64_t value_offset = cursor_.offset();
  GgufValue value = AQ_TRY(read_value(type));
  file_.metadata_.push_back({key, std::move(value), static_cast<GgufType>(type)});
  return heed(file_.metadata_.back(), value_offset);
}

template <class Stored, class Kept>
Result<GgufValue> GgufParser::read_number() {
  return GgufValue(static_cast<Kept>(AQ_TRY(cursor_.number<Stored>("value"))));
}

Result<GgufValue> GgufParser::read_value(std::uint32_t type) {
  switch (static_cast<GgufType>(type)) {
    case GgufType::kU8:
      return read_number<std::uint8_t, std::uint64_t>();
    case GgufType::kI8:
      return read_number<std::int8_t, std::int64_t>();
    case GgufType::kU16:
      return read_number<std::uint16_t, std::uint64_t>();
    case GgufType::kI16:
      return read_number<std::int16_t, std::int64_t>();
    case GgufType::kU32:
      return read_number<std::uint32_t, std::uint64_t>();
    case GgufType::kI32:
      return read_number<std::int32_t, std::int64_t>();
    case GgufType::kU64:
      return read_number<std::uint64_t, std::uint64_t>();
    case GgufType::kI64:
      return read_number<std::int64_t, std::int64_t>();
    case GgufType::kF32:
      return read_number<float, double>();
    case GgufType::kF64:
      return read_number<double, double>();
    case GgufType::kBool:
      return read_bool();
    case GgufType::kString:
      return GgufValue(AQ_TRY(cursor_.text("value")));
    case GgufType::kArray:
      return read_array();
  }
  return cursor_.error_at(
      cursor_.offset() - sizeof type, Code::kUnsupported,
      fmt::format("value type: {} is not a type of GGUF versions 2 and 3 (0 to 12)", type));
}

Result<GgufValue> GgufParser::read_bool() {
  const std::uint64_t start = cursor_.offset();
  const auto value = AQ_TRY(cursor_.number<std::uint8_t>("value"));
  if (value > 1)
    return cursor_.error_at(start, Code::kCorrupt,
                            fmt::format("value: a bool is 0 or 1, not {}", value));
  return GgufValue(value == 1);
}

Result<GgufValue> GgufParser::read_array() {
  const std::uint64_t start = cursor_.offset();
  const auto type = AQ_TRY(cursor_.number<std::uint32_t>("array type"));
  if (type == static_cast<std::uint32_t>(GgufType::kArray))
    return cursor_.error_at(start, Code::kUnsupported, "array type: nested arrays are not read");
  if (type > static_cast<std::uint32_t>(GgufType::kF64))
    return cursor_.error_at(start, Code::kUnsupported,
                            fmt::format("array type: {} is not a type of GGUF versions 2 and 3 (0 "
                                        "to 12)",
                                        type));

  GgufArray array{.type = static_cast<GgufType>(type), .count = 0, .raw = {}, .strings = {}};
  const bool strings = array.type == GgufType::kString;
  const std::uint64_t element_bytes = strings ? sizeof(std::uint64_t) : gguf_type_bytes(type);
  const std::uint64_t limit = strings ? kGgufMaxArrayStrings - array_strings_ : ~std::uint64_t{0};
  array.count = AQ_TRY(cursor_.count("array count", element_bytes, limit));
  if (strings) {
    AQ_RETURN_IF_ERROR(read_strings(array));
    return GgufValue(std::move(array));
  }
  const std::uint64_t first = cursor_.offset();
  array.raw = AQ_TRY(cursor_.take(CheckedSize(array.count) * element_bytes, "array elements"));
  if (array.type == GgufType::kBool) AQ_RETURN_IF_ERROR(check_bools(array, first));
  return GgufValue(std::move(array));
}

Status GgufParser::read_strings(GgufArray& array) {
  array_strings_ += array.count;  // bounded by the limit of count()
  array.strings.reserve(array.count);
  for (std::uint64_t i = 0; i < array.count; ++i) {
    cursor_.set_element(i);
    array.strings.push_back(AQ_TRY(cursor_.text("value")));
  }
  return {};
}

Status GgufParser::check_bools(const GgufArray& array, std::uint64_t start) {
  for (std::uint64_t i = 0; i < array.count; ++i) {
    const int value = std::to_integer<int>(array.raw[i]);
    if (value <= 1) continue;
    cursor_.set_element(i);
    return cursor_.error_at(start + i, Code::kCorrupt,
                            fmt::format("value: a bool is 0 or 1, not {}", value));
  }
  return {};
}

Status GgufParser::heed(const GgufFile::Entry& entry, std::uint64_t value_offset) {
  if (entry.key == kAlignmentKey) return heed_alignment(entry.value, value_offset);
  if (entry.key == kSplitCountKey || entry.key == kSplitNumberKey || entry.key == kSplitTensorsKey)
    return heed_split(entry, value_offset);
  return {};
}

Status GgufParser::heed_alignment(const GgufValue& value, std::uint64_t value_offset) {
  const auto* alignment = std::get_if<std::uint64_t>(&value);
  if (alignment == nullptr)
    return cursor_.error_at(value_offset, Code::kCorrupt, "value: must be an unsigned integer");
  if (!std::has_single_bit(*alignment) || *alignment < kGgufMinAlignment ||
      *alignment > kGgufMaxAlignment)
    return cursor_.error_at(
        value_offset, Code::kCorrupt,
        fmt::format("value: an alignment of {}; a power of two from {} to {} is allowed",
                    *alignment, kGgufMinAlignment, kGgufMaxAlignment));
  alignment_ = *alignment;
  return {};
}

Status GgufParser::heed_split(const GgufFile::Entry& entry, std::uint64_t value_offset) {
  const std::optional<std::uint64_t> value = whole_number(entry.value);
  const bool is_signed = std::holds_alternative<std::int64_t>(entry.value);
  if (!value || (is_signed && entry.key != kSplitTensorsKey))  // which gguf-split writes as i32
    return cursor_.error_at(value_offset, Code::kCorrupt, "value: must be an unsigned integer");
  if (entry.key == kSplitTensorsKey) file_.split_.tensors = value;
  if (entry.key == kSplitNumberKey) file_.split_.number = *value;
  if (entry.key != kSplitCountKey) return {};
  if (*value > 1 && !parts_allowed_)
    return cursor_.error_at(value_offset, Code::kUnsupported,
                            fmt::format("value: one part of a model split over {} files; it can "
                                        "only be opened by the name of the first",
                                        *value));
  if (*value > kMaxParts)
    return cursor_.error_at(
        value_offset, Code::kUnsupported,
        fmt::format("value: {} parts are more than the {} that are read", *value, kMaxParts));
  file_.split_.parts = *value;
  return {};
}

}  // namespace aquilon::formats
