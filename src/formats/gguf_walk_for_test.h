// What the hostile tests hold every answer of the reader to, whatever the bytes.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "formats/gguf.h"

namespace aquilon::formats {

// An error must read "NAME: at byte OFFSET: ... FIELD: ..." with an offset in the file.
inline testing::AssertionResult names_offset_and_field(const Error& error, std::string_view name,
                                                       std::uint64_t file_bytes) {
  static constexpr std::string_view kFields[] = {
      "magic: ",       "version: ",        "tensor count: ", "metadata count: ",
      "key: ",         "value type: ",     "value: ",        "array type: ",
      "array count: ", "array elements: ", "name: ",         "dimension",
      "tensor type: ", "offset: ",         "data: ",         "end of data: ",
  };
  const std::string& message = error.message;
  const std::string start = std::string(name) + ": at byte ";
  if (error.code != Code::kCorrupt && error.code != Code::kUnsupported)
    return testing::AssertionFailure() << "wrong code: " << message;
  if (!message.starts_with(start)) return testing::AssertionFailure() << "no offset: " << message;
  char* end = nullptr;
  const std::uint64_t offset = std::strtoull(message.c_str() + start.size(), &end, 10);
  if (*end != ':' || offset > file_bytes)
    return testing::AssertionFailure() << "bad offset: " << message;
  for (const std::string_view field : kFields)
    if (message.find(field, start.size()) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "no field: " << message;
}

// Touches every byte that an open file refers to, so that a sanitizer sees one outside; of each
// tensor at most the first and last `sample` bytes.
inline std::uint64_t touch(const std::byte* data, std::uint64_t size, std::uint64_t sample) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < size; ++i) {
    if (i == sample && size > 2 * sample) i = size - sample;
    sum += std::to_integer<std::uint64_t>(data[i]);
  }
  return sum;
}

inline std::uint64_t touch(std::string_view text) {
  return touch(reinterpret_cast<const std::byte*>(text.data()), text.size(), text.size());
}

inline std::uint64_t walk(const GgufFile& file, std::uint64_t sample = 1 << 20) {
  std::uint64_t sum = 0;
  for (const GgufFile::Entry& entry : file.metadata()) {
    EXPECT_EQ(file.find(entry.key), &entry.value);
    sum += touch(entry.key);
    if (const auto* text = std::get_if<std::string_view>(&entry.value)) sum += touch(*text);
    if (const auto* array = std::get_if<GgufArray>(&entry.value)) {
      for (const std::string_view text : array->strings) sum += touch(text);
      sum += touch(array->raw.data(), array->raw.size(), sample);
    }
  }
  for (const GgufTensor& tensor : file.tensors()) {
    EXPECT_EQ(file.find_tensor(tensor.name), &tensor);
    EXPECT_LE(tensor.bytes, file.file_bytes());
    EXPECT_LE(tensor.file_offset, file.file_bytes() - tensor.bytes);
    // The bytes that the shape asks for, which can't overflow any more, are those of the tensor.
    std::uint64_t rows = 1;
    for (std::size_t d = 1; d < tensor.dims.size(); ++d) rows *= tensor.dims[d];
    EXPECT_EQ(rows * tensor::row_bytes(tensor.dtype, tensor.dims[0]), tensor.bytes);
    if (tensor.dims.size() > 2) continue;
    sum += touch(file.matrix(tensor).data, tensor.bytes, sample);
  }
  return sum;
}

}  // namespace aquilon::formats
