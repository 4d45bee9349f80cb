#include <algorithm>
#include <bit>
#include <numeric>

#include "formats/gguf_parser_internal.h"

namespace aquilon::formats {
namespace {

constexpr std::string_view kAlignmentKey = "general.alignment";
constexpr std::string_view kSplitCountKey = "split.count";

}  // namespace

Status GgufParser::read_metadata() {
  file_.metadata_.reserve(entry_count_);
  entry_offsets_.reserve(entry_count_);
  for (std::uint64_t i = 0; i < entry_count_; ++i) AQ_RETURN_IF_ERROR(read_entry(i));

  auto& by_key = file_.by_key_;
  const auto& entries = file_.metadata_;
  by_key.resize(entries.size());
  std::iota(by_key.begin(), by_key.end(), 0u);
  std::stable_sort(by_key.begin(), by_key.end(), [&entries](std::uint32_t a, std::uint32_t b) {
    return entries[a].key < entries[b].key;
  });
  const auto twin = std::adjacent_find(
      by_key.begin(), by_key.end(),
      [&entries](std::uint32_t a, std::uint32_t b) { return entries[a].key == entries[b].key; });
  if (twin == by_key.end()) return {};
  const std::uint32_t later = twin[1];
  cursor_.set_subject({"metadata entry", later, entries[later].key});
  return cursor_.error_at(entry_offsets_[later], Code::kCorrupt,
                          fmt::format("key: already used by entry {}", twin[0]));
}

Status GgufParser::read_entry(std::uint64_t index) {
  cursor_.set_subject({"metadata entry", index, {}});
  entry_offsets_.push_back(cursor_.offset());
  const std::string_view key = AQ_TRY(cursor_.name("key", kGgufMaxKeyBytes));
  cursor_.set_subject({"metadata entry", index, key});
  const auto type = AQ_TRY(cursor_.number<std::uint32_t>("value type"));
  const std::uint64_t value_offset = cursor_.offset();
  GgufValue value = AQ_TRY(read_value(type));
  file_.metadata_.push_back({key, std::move(value)});
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
  if (entry.key == kSplitCountKey) return heed_split_count(entry.value, value_offset);
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

Status GgufParser::heed_split_count(const GgufValue& value, std::uint64_t value_offset) {
  const auto* count = std::get_if<std::uint64_t>(&value);
  if (count == nullptr)
    return cursor_.error_at(value_offset, Code::kCorrupt, "value: must be an unsigned integer");
  if (*count > 1)
    return cursor_.error_at(value_offset, Code::kUnsupported,
                            fmt::format("value: one part of a model split over {} files; split "
                                        "files are not read, merge them first",
                                        *count));
  return {};
}

}  // namespace aquilon::formats
