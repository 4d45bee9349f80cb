// The JSON header of a safetensors file as entries; their data is not looked at yet.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/safetensors.h"

namespace aquilon::formats {

inline constexpr std::uint64_t kSafetensorsMaxHeaderBytes = 32u << 20;  // real ones take 5 MiB
inline constexpr std::size_t kSafetensorsMaxTensors = 1 << 18;
inline constexpr std::size_t kSafetensorsMaxDims = 8;
inline constexpr std::size_t kSafetensorsMaxNameBytes = 1024;

struct SafetensorsEntry {
  std::string name;
  const SafetensorsType* type = nullptr;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0;  // from the start of the data
  std::uint64_t end = 0;
};

// `header` is {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}, perhaps
// with a "__metadata__" of texts, which is skipped. Errors: as SafetensorsFile::parse.
// Memory: the entries; nothing grows with other contents of a hostile header.
Result<std::vector<SafetensorsEntry>> read_safetensors_header(std::string_view header,
                                                              const std::string& file);

}  // namespace aquilon::formats
