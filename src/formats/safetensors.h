// Reader of safetensors files over a memory map: a JSON header that names tensors, then their data.
// Any bytes are safe to open: every size is checked against the file before it is used, and nothing
// is copied but the header.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tensor/dtype.h"

namespace aquilon::formats {

// An element type of the format. Those that we compute with are a tensor::DType too.
struct SafetensorsType {
  std::string_view name;  // "BF16"
  std::uint32_t bits;     // of an element
  std::optional<tensor::DType> dtype;
};

inline constexpr std::string_view kSafetensorsFp8 = "F8_E4M3";

struct SafetensorsTensor {
  std::string name;
  const SafetensorsType* type = nullptr;
  std::vector<std::uint64_t> shape;  // outermost first; empty for a single value
  std::uint64_t offset = 0;          // of the first byte, from the start of the file
  std::span<const std::byte> data;   // any alignment
};

// An open file. Names are unique, 1 to 1024 bytes of UTF-8 without control characters; the tensors
// tile the data: no gap, no overlap, nothing behind the last. A view: the bytes must outlive it.
// Threads: const members are safe from any.
class SafetensorsFile {
 public:
  // Errors: kCorrupt and kUnsupported (an element type that the format does not have, a header
  // above our limits), naming file, tensor and field.
  static Result<SafetensorsFile> parse(std::span<const std::byte> bytes, std::string name);

  const std::string& path() const { return path_; }
  const std::vector<SafetensorsTensor>& tensors() const { return tensors_; }  // header's order

 private:
  SafetensorsFile() = default;

  std::string path_;
  std::vector<SafetensorsTensor> tensors_;
};

}  // namespace aquilon::formats
