// Assembles a model's description (formats/gguf.h) from what other formats say.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"

namespace aquilon::formats {

// Keys and names are copied, tensors are views of maps or of memory that the description owns.
// Order of the calls is the order of the description.
class DescriptionBuilder {
 public:
  // `path` is what the description is called in messages.
  explicit DescriptionBuilder(std::string path);

  void put_count(std::string_view key, std::uint64_t value);
  void put_number(std::string_view key, double value);  // as it is
  // Rounded to f32, in which GGUF files hold such a key: both forms then give the same bits.
  void put_f32(std::string_view key, double value);
  void put_flag(std::string_view key, bool value);
  void put_text(std::string_view key, std::string_view value);
  void put_flags(std::string_view key, const std::vector<bool>& values);
  void put_counts(std::string_view key, const std::vector<std::uint32_t>& values);

  // A tensor whose data lies in a map that is kept; dims in GGUF's order, their size is that of
  // `data`.
  void view(std::string_view name, tensor::DType dtype, std::vector<std::uint64_t> dims,
            std::uint64_t file_offset, std::span<const std::byte> data);
  // A tensor in memory, for the caller to fill. Errors: kOutOfMemory. Requires: rows are whole
  // blocks.
  Result<std::span<std::byte>> allocate(std::string_view name, tensor::DType dtype,
                                        std::vector<std::uint64_t> dims);

  void keep(std::vector<MappedFile> maps);
  void add_file_bytes(std::uint64_t bytes) { file_.file_bytes_ += bytes; }
  void set_companions(CompanionFiles files) { file_.companions_ = std::move(files); }
  void set_small_files(std::vector<std::string> paths) { file_.small_files_ = std::move(paths); }
  void set_names(SourceNames names) { file_.names_in_source_ = std::move(names); }

  // The description. Errors: kCorrupt names a tensor that two sources give. Requires: no key twice.
  Result<GgufFile> finish() &&;

 private:
  void put(std::string_view key, GgufValue value);
  void put_array(std::string_view key, GgufType type, std::uint64_t count,
                 std::span<const std::byte> raw);
  std::string_view keep_text(std::string_view text);

  GgufFile file_;
};

}  // namespace aquilon::formats
