// Writes GGUF files, version 3. What was written reads back equal: every key with its type and
// value, every tensor with its bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/output_file.h"
#include "base/result.h"
#include "formats/gguf.h"

namespace aquilon::formats {

// Keys first, then the names and shapes of all tensors, then their data in that order: what is
// written is never held in memory but for the directory. The file appears under its name when
// finish() succeeds, whole; before that its old contents stand.
//   GgufWriter writer;
//   AQ_RETURN_IF_ERROR(writer.put_uint("llama.block_count", GgufType::kU32, 32)); ...
//   AQ_RETURN_IF_ERROR(writer.declare("token_embd.weight", DType::kF16, {4096, 32000})); ...
//   AQ_RETURN_IF_ERROR(writer.begin(path));
//   AQ_RETURN_IF_ERROR(writer.write(data)); ...   // pieces of any size, tensor after tensor
//   AQ_RETURN_IF_ERROR(writer.finish());
// Errors: kInvalidArgument names a key or tensor that is given twice, empty, too long or no UTF-8,
// a value that its type does not hold, rows that are no whole blocks, an element type that is ours
// alone, data that is more or less than was declared; kUnavailable for the file.
// Threads: one user at a time.
class GgufWriter {
 public:
  // Integers and bool (0 or 1).
  Status put_uint(std::string_view key, GgufType type, std::uint64_t value);
  Status put_int(std::string_view key, GgufType type, std::int64_t value);
  Status put_float(std::string_view key, GgufType type, double value);
  Status put_bool(std::string_view key, bool value);
  Status put_text(std::string_view key, std::string_view value);
  // `raw` holds the numbers as GgufArray does; texts have no raw form.
  Status put_array(std::string_view key, GgufType type, std::span<const std::byte> raw);
  Status put_texts(std::string_view key, std::span<const std::string_view> values);
  // A key of another file, with the narrowest type that holds its value where the file's own type
  // is not known any more (u32, i32, f32; else 64 bits).
  Status put(std::string_view key, const GgufValue& value);
  // The same with the type that it has there.
  Status put(const GgufFile::Entry& entry);

  Status declare(std::string_view name, tensor::DType dtype,
                 const std::vector<std::uint64_t>& dims);

  // Writes the directory. No key or tensor can follow.
  Status begin(const std::string& path);
  Status write(std::span<const std::byte> data);
  Status finish();

  std::uint64_t data_bytes() const { return data_bytes_; }  // of all declared tensors

 private:
  struct Tensor {
    std::string name;
    tensor::DType dtype;
    std::vector<std::uint64_t> dims;
    std::uint64_t offset;
    std::uint64_t bytes;
  };

  Status start_entry(std::string_view key, GgufType type);
  template <class T>
  void append(T value);
  void append_text(std::string_view text);
  Status pad();
  std::string directory() const;

  std::string entries_;  // as they will stand in the file
  std::set<std::string, std::less<>> keys_;
  std::set<std::string, std::less<>> names_;  // of tensors_
  std::vector<Tensor> tensors_;
  std::uint64_t data_bytes_ = 0;
  std::optional<OutputFile> out_;
  std::uint64_t written_ = 0;  // of the data, padding included
  std::size_t current_ = 0;    // tensor that is being written
};

}  // namespace aquilon::formats
