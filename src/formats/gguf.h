// Reader of GGUF model files (versions 2 and 3) over a memory map. Any bytes are safe to open:
// every size is checked against the file before it is used, and nothing is copied but the
// directory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/file.h"  // MappedFile
#include "base/result.h"
#include "tensor/view.h"  // MatrixView

namespace aquilon::formats {

// Types of metadata values, with GGUF's numbering.
enum class GgufType : std::uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

// An array of metadata: all elements of one type, which is never kArray (nested arrays are
// refused). Views into the file; valid while the GgufFile lives.
struct GgufArray {
  GgufType type;
  std::uint64_t count;
  std::span<const std::byte> raw;  // count numbers, little-endian, unaligned; empty for strings
  std::vector<std::string_view> strings;  // the elements of a kString array
};

// A metadata value: unsigned, signed, floating, boolean, text or array.
using GgufValue =
    std::variant<std::uint64_t, std::int64_t, double, bool, std::string_view, GgufArray>;

struct GgufTensor {
  std::string_view name;
  tensor::DType dtype;
  std::vector<std::uint64_t> dims;  // GGUF's order: dims[0] is the contiguous one; 1 to 4 of them
  std::uint64_t file_offset;        // of the first byte, from the start of the file
  std::uint64_t bytes;
};

// An open GGUF file. Its keys and tensor names are unique, valid UTF-8 without control characters;
// text values may hold any bytes. Its tensors lie in the file, do not overlap and leave no gaps;
// their rows are whole blocks. Movable. Threads: const members are safe from any.
class GgufFile {
 public:
  // Errors: kNotFound; kCorrupt, naming offset and field; kUnsupported, naming offset and the
  // version, value type, tensor type, nested array, split file or count above our limits.
  static Result<GgufFile> open(const std::string& path);
  // The same on bytes that the caller keeps alive; `name` stands for the path in messages.
  static Result<GgufFile> parse(std::span<const std::byte> bytes, std::string name);

  const std::string& path() const { return name_; }
  std::uint64_t file_bytes() const { return bytes_.size(); }
  std::uint32_t version() const { return version_; }

  // Null when absent.
  const GgufValue* find(std::string_view key) const;
  // Typed look-ups. kNotFound names the missing key; kCorrupt says type or range that was found.
  // Integers of any width and sign are accepted where the value fits.
  Result<std::uint64_t> get_uint(std::string_view key, std::uint64_t max) const;
  Result<double> get_float(std::string_view key) const;  // finite
  Result<bool> get_bool(std::string_view key) const;
  Result<std::string_view> get_string(std::string_view key) const;  // valid UTF-8
  Result<const GgufArray*> get_array(std::string_view key, GgufType type) const;

  struct Entry {
    std::string_view key;
    GgufValue value;
  };
  const std::vector<Entry>& metadata() const { return metadata_; }  // file order
  const std::vector<GgufTensor>& tensors() const { return tensors_; }

  // Null when absent.
  const GgufTensor* find_tensor(std::string_view name) const;
  // A tensor of this file as a matrix: dims {columns} or {columns, rows}. The data of an opened
  // file is aligned to 8 bytes at least. Requires: one or two dimensions.
  tensor::MatrixView matrix(const GgufTensor& tensor) const;
  // Lets the system take back the memory of a matrix of this file; it is read again when touched.
  void drop_pages(const tensor::MatrixView& matrix) const;

 private:
  friend class GgufParser;
  GgufFile() = default;

  Result<const GgufValue*> require(std::string_view key) const;

  std::string name_;
  std::optional<MappedFile> map_;  // absent for parse()
  std::span<const std::byte> bytes_;
  std::uint32_t version_ = 0;
  std::vector<Entry> metadata_;
  std::vector<GgufTensor> tensors_;
  std::vector<std::uint32_t> by_key_;   // indices of metadata_, sorted by key
  std::vector<std::uint32_t> by_name_;  // indices of tensors_, sorted by name
};

}  // namespace aquilon::formats
