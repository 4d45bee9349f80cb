// Builds a GgufFile's directory: header, metadata, tensors, and the proof that the tensors lie in
// the file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "formats/gguf.h"
#include "formats/gguf_cursor_internal.h"
#include "formats/gguf_types_internal.h"

namespace aquilon::formats {

class GgufParser {
 public:
  // `file` has its name already; the parser fills in the rest. Both must outlive it.
  GgufParser(GgufFile& file, std::span<const std::byte> bytes, bool parts_allowed)
      : file_(file), bytes_(bytes), parts_allowed_(parts_allowed), cursor_(bytes, file.name_) {}

  Status run();

 private:
  Status read_header();

  // gguf_metadata.cpp
  Status read_metadata();
  Status read_entry(std::uint64_t index);
  Result<GgufValue> read_value(std::uint32_t type);
  template <class Stored, class Kept>
  Result<GgufValue> read_number();
  Result<GgufValue> read_bool();
  Result<GgufValue> read_array();
  Status read_strings(GgufArray& array);
  Status check_bools(const GgufArray& array, std::uint64_t start);
  Status heed(const GgufFile::Entry& entry, std::uint64_t value_offset);
  Status heed_alignment(const GgufValue& value, std::uint64_t value_offset);
  Status heed_split(const GgufFile::Entry& entry, std::uint64_t value_offset);

  // gguf_tensors.cpp
  Status read_tensors();
  Status read_tensor(std::uint64_t index);
  Status read_dims(GgufTensor& tensor);
  Status read_dtype(GgufTensor& tensor);
  Status read_offset(GgufTensor& tensor);
  Status place_tensors();
  Status check_end(std::uint64_t data_end);
  Error layout_error(std::uint32_t tensor, std::string_view what);

  GgufFile& file_;
  std::span<const std::byte> bytes_;
  bool parts_allowed_;  // of a split file
  GgufCursor cursor_;
  std::uint64_t entry_count_ = 0;
  std::uint64_t tensor_count_ = 0;
  std::uint64_t alignment_ = kGgufDefaultAlignment;
  std::uint64_t array_strings_ = 0;  // so far, over all arrays
  // Where each entry starts, and each tensor's offset field: for messages of the checks at the end.
  std::vector<std::uint64_t> entry_offsets_;
  std::vector<std::uint64_t> tensor_offsets_;
};

}  // namespace aquilon::formats
