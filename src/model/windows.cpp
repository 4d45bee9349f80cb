#include <cstring>

#include "model/windows_internal.h"

namespace aquilon::model {
namespace {

using formats::GgufArray;
using formats::GgufType;

constexpr std::uint64_t kLargest = 1u << 30;
constexpr std::string_view kWindow = "attention.sliding_window";
constexpr std::string_view kPattern = "attention.sliding_window_pattern";

Status check_count(const ConfigReader& reader, std::string_view key, const GgufArray& array,
                   std::size_t n_layers) {
  if (array.count == n_layers) return {};
  return make_error(Code::kCorrupt, "{} has {} elements for {} layers", reader.where(key),
                    array.count, n_layers);
}

// One window a layer.
Result<std::vector<std::size_t>> read_list(const ConfigReader& reader, std::size_t n_layers) {
  const GgufArray* array = AQ_TRY(reader.file().get_array(reader.full(kWindow), GgufType::kU32));
  AQ_RETURN_IF_ERROR(check_count(reader, kWindow, *array, n_layers));
  std::vector<std::size_t> windows(n_layers);
  for (std::size_t i = 0; i < n_layers; ++i) {
    std::uint32_t value;
    std::memcpy(&value, array->raw.data() + i * sizeof value, sizeof value);
    if (value > kLargest)
      return make_error(Code::kCorrupt, "{} holds {}; {} is the largest", reader.where(kWindow),
                        value, kLargest);
    windows[i] = value;
  }
  return windows;
}

// Clears the windows of layers that see everything.
Status apply_pattern(const ConfigReader& reader, const Family& family,
                     std::vector<std::size_t>& windows) {
  const formats::GgufValue* pattern = reader.find(kPattern);
  if (pattern != nullptr && std::holds_alternative<GgufArray>(*pattern)) {
    const GgufArray* local =
        AQ_TRY(reader.file().get_array(reader.full(kPattern), GgufType::kBool));
    AQ_RETURN_IF_ERROR(check_count(reader, kPattern, *local, windows.size()));
    for (std::size_t i = 0; i < windows.size(); ++i)
      if (local->raw[i] == std::byte{0}) windows[i] = 0;
    return {};
  }
  const std::size_t period = AQ_TRY(reader.count_or(kPattern, 1u << 12, family.window_pattern));
  if (period == 1) return {};
  for (std::size_t i = period - 1; i < windows.size(); i += period) windows[i] = 0;
  return {};
}

}  // namespace

Result<std::vector<std::size_t>> read_windows(const ConfigReader& reader, const Family& family,
                                              std::size_t n_layers) {
  const formats::GgufValue* value = reader.find(kWindow);
  if (value == nullptr) return std::vector<std::size_t>(n_layers);
  if (std::holds_alternative<GgufArray>(*value)) return read_list(reader, n_layers);
  const std::uint64_t window = AQ_TRY(reader.file().get_uint(reader.full(kWindow), kLargest));
  std::vector<std::size_t> windows(n_layers, window);
  AQ_RETURN_IF_ERROR(apply_pattern(reader, family, windows));
  return windows;
}

}  // namespace aquilon::model
