#include "formats/safetensors.h"

#include <algorithm>
#include <cstring>

#include "base/checked_math.h"
#include "formats/name_index_internal.h"
#include "formats/safetensors_header_internal.h"

namespace aquilon::formats {
namespace {

constexpr std::uint64_t kLengthBytes = 8;

Error entry_error(const std::string& file, const SafetensorsEntry& entry, std::string_view what) {
  return make_error(Code::kCorrupt, "{}: tensor '{}': {}", file, entry.name, what);
}

// The header's text; what follows it is data.
Result<std::string_view> take_header(std::span<const std::byte> bytes, const std::string& file) {
  std::uint64_t length = 0;
  if (bytes.size() < kLengthBytes)
    return make_error(Code::kCorrupt,
                      "{}: header length: {} bytes are no safetensors file; it starts with 8 of "
                      "length",
                      file, bytes.size());
  std::memcpy(&length, bytes.data(), kLengthBytes);
  const std::uint64_t left = bytes.size() - kLengthBytes;
  if (length > left)
    return make_error(Code::kCorrupt,
                      "{}: header length: {} bytes, {} left in the file (cut, or no safetensors "
                      "file)",
                      file, length, left);
  if (length > kSafetensorsMaxHeaderBytes)
    return make_error(Code::kUnsupported,
                      "{}: header length: {} bytes are more than the {} that are read", file,
                      length, kSafetensorsMaxHeaderBytes);
  return std::string_view(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
}

// Shape and type must say the size that the offsets give, within the data.
Status check_size(const SafetensorsEntry& entry, std::uint64_t data_bytes,
                  const std::string& file) {
  CheckedSize bits = entry.type->bits;
  for (const std::uint64_t dim : entry.shape) bits *= dim;
  if (entry.end < entry.begin || entry.end > data_bytes)
    return entry_error(file, entry,
                       fmt::format("data_offsets: [{}, {}] do not lie in the {} bytes of data",
                                   entry.begin, entry.end, data_bytes));
  const std::uint64_t have = entry.end - entry.begin;
  if (bits.ok() && *bits.value() % 8 == 0 && *bits.value() / 8 == have) return {};
  return entry_error(file, entry,
                     fmt::format("shape: [{}] of {} does not make the {} bytes of its data_offsets",
                                 fmt::join(entry.shape, ", "), entry.type->name, have));
}

// In the order of their offsets each must begin where the one before ends.
Status check_tiling(const std::vector<SafetensorsEntry>& entries, std::uint64_t data_bytes,
                    const std::string& file) {
  std::vector<const SafetensorsEntry*> by_offset;
  by_offset.reserve(entries.size());
  for (const SafetensorsEntry& entry : entries) by_offset.push_back(&entry);
  std::sort(by_offset.begin(), by_offset.end(), [](const auto* a, const auto* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  std::uint64_t expected = 0;
  for (const SafetensorsEntry* entry : by_offset) {
    if (entry->begin != expected)
      return entry_error(
          file, *entry,
          fmt::format("data_offsets: begin at {}, but the data before ends at {}: {}", entry->begin,
                      expected, entry->begin > expected ? "a gap" : "overlap"));
    expected = entry->end;
  }
  if (expected == data_bytes) return {};
  return make_error(Code::kCorrupt, "{}: end of data: {} bytes follow the last tensor", file,
                    data_bytes - expected);
}

}  // namespace

Result<SafetensorsFile> SafetensorsFile::parse(std::span<const std::byte> bytes, std::string name) {
  SafetensorsFile file;
  file.path_ = std::move(name);
  const std::string_view header = AQ_TRY(take_header(bytes, file.path_));
  std::vector<SafetensorsEntry> entries = AQ_TRY(read_safetensors_header(header, file.path_));
  const NameIndex index(entries, &SafetensorsEntry::name);
  if (const auto twins = index.twins(index.sorted()))
    return entry_error(file.path_, entries[twins->first], "name: is given twice");
  const std::uint64_t data_start = kLengthBytes + header.size();
  const std::uint64_t data_bytes = bytes.size() - data_start;
  for (const SafetensorsEntry& entry : entries)
    AQ_RETURN_IF_ERROR(check_size(entry, data_bytes, file.path_));
  AQ_RETURN_IF_ERROR(check_tiling(entries, data_bytes, file.path_));
  file.tensors_.reserve(entries.size());
  for (SafetensorsEntry& entry : entries)
    file.tensors_.push_back({std::move(entry.name), entry.type, std::move(entry.shape),
                             data_start + entry.begin,
                             bytes.subspan(data_start + entry.begin, entry.end - entry.begin)});
  return file;
}

}  // namespace aquilon::formats
