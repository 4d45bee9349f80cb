// The description of a model in GGUF's vocabulary: metadata keys and named tensors. It is read from
// GGUF files (versions 2 and 3, whole or split) over memory maps, or assembled from a folder of
// other files (formats/model_folder.h). Any bytes are safe to open: every size is checked against
// the file before it is used, and nothing is copied but the directory.
#pragma once

#include <cstdint>
#include <deque>
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
  std::uint64_t file_offset;        // of the first byte, from the start of its file; 0 in memory
  std::uint64_t bytes;
  const std::byte* data;  // in a map, or in memory if it was computed
};

// What a model folder holds beside the weights: paths, empty where there is no such file.
struct CompanionFiles {
  std::string tokenizer_json;    // of Hugging Face's tokenizers
  std::string tokenizer_config;  // tokenizer_config.json
  std::string tokenizer_model;   // SentencePiece: tokenizer.model, or Mistral's tokenizer.model.v*
  std::string tekken_json;       // Mistral's tekken.json
  std::string chat_template;     // chat_template.jinja
  // Rows of the embeddings, which no token may be beyond; absent where nothing says it.
  std::optional<std::uint64_t> vocabulary = {};

  bool has_tokenizer() const {
    return !tokenizer_json.empty() || !tokenizer_model.empty() || !tekken_json.empty();
  }
};

// What keys and tensors are called where a description comes from a folder: for messages.
struct SourceNames {
  struct Key {
    std::string_view key;  // behind "<architecture>."
    std::string_view own;
  };
  std::string path;                              // of the file that holds the keys; empty: GGUF
  std::span<const Key> keys;                     // in static memory
  std::string (*tensor)(std::string_view) = {};  // null: as in GGUF
};

// An open model. Its keys and tensor names are unique, valid UTF-8 without control characters; text
// values may hold any bytes. Its tensors lie in their files, do not overlap and leave no gaps;
// their rows are whole blocks. Movable. Threads: const members are safe from any.
class GgufFile {
 public:
  // A GGUF file. Of one that is split over several, the first is named and all are opened.
  // Errors: kNotFound, also of a part; kCorrupt, naming offset and field, or a part that does not
  // belong to the first; kInvalidArgument for a part that is not the first; kUnsupported, naming
  // offset and the version, value type, tensor type, nested array or count above our limits.
  static Result<GgufFile> open(const std::string& path);
  // The same on bytes that the caller keeps alive; `name` stands for the path in messages. A part
  // of a split file is kUnsupported.
  static Result<GgufFile> parse(std::span<const std::byte> bytes, std::string name);

  const std::string& path() const { return name_; }
  std::uint64_t file_bytes() const { return file_bytes_; }  // of all files together
  // All files that a model is read from, the one that tells what it is first (config.json); none
  // for bytes in memory.
  std::vector<std::string> files() const;
  // The file that lost bytes which were read since; empty: none. Cost: nothing, in most cases.
  std::string damaged_file() const;
  std::uint32_t version() const { return version_; }  // 0 if it is not from GGUF files
  const CompanionFiles& companions() const { return companions_; }

  // A key as messages call it: "FILE: metadata 'llama.block_count'", of a folder
  // "FOLDER/config.json: 'num_hidden_layers'".
  std::string where(std::string_view key) const;
  // A tensor by the name that its file has for it.
  std::string tensor_label(std::string_view name) const;

  // Null when absent.
  const GgufValue* find(std::string_view key) const;
  // Typed look-ups. kNotFound names the missing key; kCorrupt says type or range that was found.
  // Integers of any width and sign are accepted where the value fits.
  Result<std::uint64_t> get_uint(std::string_view key, std::uint64_t max,
                                 std::uint64_t min = 0) const;
  Result<double> get_float(std::string_view key) const;  // finite
  Result<bool> get_bool(std::string_view key) const;
  Result<std::string_view> get_string(std::string_view key) const;  // valid UTF-8
  Result<const GgufArray*> get_array(std::string_view key, GgufType type) const;

  struct Entry {
    std::string_view key;
    GgufValue value;
    std::optional<GgufType> type = {};  // as a GGUF file stores it
  };
  const std::vector<Entry>& metadata() const { return metadata_; }  // file order
  const std::vector<GgufTensor>& tensors() const { return tensors_; }

  // The files whose bytes the tensors are; empty for bytes that the caller gave.
  std::vector<std::string> weight_paths() const;

  // Null when absent.
  const GgufTensor* find_tensor(std::string_view name) const;
  // A tensor of this file as a matrix: dims {columns} or {columns, rows}. Data of GGUF files is
  // aligned to 8 bytes at least, that of safetensors files need not be. Requires: one or two
  // dimensions.
  tensor::MatrixView matrix(const GgufTensor& tensor) const;
  // Lets the system take back the memory of a matrix of this file; it is read again when touched.
  void drop_pages(const tensor::MatrixView& matrix) const;

 private:
  friend class GgufParser;
  friend class GgufParts;
  friend class DescriptionBuilder;
  GgufFile() = default;

  // What a part of a split file says of itself.
  struct Split {
    std::uint64_t number = 0;  // from 0
    std::uint64_t parts = 1;
    std::optional<std::uint64_t> tensors;  // of all parts
  };

  static Result<GgufFile> parse_part(std::span<const std::byte> bytes, std::string name,
                                     bool parts_allowed);
  Result<const GgufValue*> require(std::string_view key) const;

  std::string name_;
  std::uint32_t version_ = 0;
  std::uint64_t file_bytes_ = 0;
  Split split_;
  std::vector<MappedFile> maps_;                       // none for parse()
  std::deque<std::string> texts_;                      // names and values that no map holds
  std::vector<std::unique_ptr<std::byte[]>> buffers_;  // tensors that no map holds
  CompanionFiles companions_;
  SourceNames names_in_source_;
  std::vector<std::string> small_files_;  // of a folder: those that no map holds
  std::vector<Entry> metadata_;
  std::vector<GgufTensor> tensors_;
  std::vector<std::uint32_t> by_key_;   // indices of metadata_, sorted by key
  std::vector<std::uint32_t> by_name_;  // indices of tensors_, sorted by name
};

}  // namespace aquilon::formats
