#include "formats/adapter_file.h"

#include <cmath>
#include <filesystem>
#include <limits>

#include "formats/adapter_pairs_internal.h"
#include "formats/peft_adapter_internal.h"

namespace aquilon::formats {
namespace {

constexpr std::string_view kSuffixA = ".lora_a";
constexpr std::string_view kSuffixB = ".lora_b";

// That the file is an adapter and of which kind.
Status check_kind(const GgufFile& file) {
  if (file.find("general.type") == nullptr || AQ_TRY(file.get_string("general.type")) != "adapter")
    return make_error(Code::kInvalidArgument,
                      "{}: is no adapter (general.type is not 'adapter'); is it a model?",
                      file.path());
  const std::string_view type = AQ_TRY(file.get_string("adapter.type"));
  if (type != "lora")
    return make_error(Code::kUnsupported, "{} is '{}'; adapters of type 'lora' are run",
                      file.where("adapter.type"), type.substr(0, 80));
  if (file.find("adapter.alora.invocation_tokens") != nullptr)
    return make_error(Code::kUnsupported,
                      "{}: adapters that begin at an invocation (aLoRA) are not run",
                      file.where("adapter.alora.invocation_tokens"));
  return {};
}

// Rows of the names that llama.cpp gives pairs: the matrix's name and .lora_a or .lora_b.
Status add_tensor(const GgufFile& file, const GgufTensor& tensor, AdapterPairs& pairs) {
  std::string_view target = tensor.name;
  const bool a = target.ends_with(kSuffixA);
  if (!a && !target.ends_with(kSuffixB))
    return make_error(Code::kUnsupported,
                      "{}: the tensor '{}' is no half of a pair (.lora_a, .lora_b)", file.path(),
                      tensor.name);
  target.remove_suffix(kSuffixA.size());
  if (target.starts_with("token_embd."))
    return make_error(Code::kUnsupported, "{}: the tensor '{}': adapters of embeddings are not run",
                      file.path(), tensor.name);
  if (tensor.dims.size() != 2)
    return make_error(Code::kUnsupported,
                      "{}: the tensor '{}' has {} dimensions: adapters of matrices are run, those "
                      "of experts are not",
                      file.path(), tensor.name, tensor.dims.size());
  return pairs.add(std::string(target), a ? AdapterSide::kA : AdapterSide::kB, std::string(target),
                   file.matrix(tensor));
}

}  // namespace

Status AdapterPairs::add(const std::string& target, AdapterSide side, const std::string& label,
                         const tensor::MatrixView& matrix) {
  Halves& halves = by_target_[target];
  auto& half = side == AdapterSide::kA ? halves.a : halves.b;
  const std::string_view name = side == AdapterSide::kA ? "A" : "B";
  if (half)
    return make_error(Code::kCorrupt, "{}: matrix {} of '{}' is there twice", path_, name, label);
  if (matrix.rows == 0 || matrix.columns == 0)
    return make_error(Code::kCorrupt, "{}: matrix {} of '{}' is empty", path_, name, label);
  half = matrix;
  halves.label = label;
  return {};
}

Result<std::vector<AdapterPair>> AdapterPairs::finish() const {
  std::vector<AdapterPair> pairs;
  for (const auto& [target, halves] : by_target_) {
    if (!halves.a || !halves.b)
      return make_error(Code::kCorrupt, "{}: matrix {} of '{}' is missing", path_,
                        halves.a ? "B" : "A", halves.label);
    if (halves.a->rows != halves.b->columns)
      return make_error(Code::kCorrupt, "{}: '{}': A has {} rows, B {} columns; both are the rank",
                        path_, halves.label, halves.a->rows, halves.b->columns);
    pairs.push_back({target, halves.label, *halves.a, *halves.b});
  }
  if (pairs.empty()) return make_error(Code::kCorrupt, "{}: the adapter holds no matrices", path_);
  return pairs;
}

Result<AdapterFile> AdapterFile::from_gguf(GgufFile file) {
  AQ_RETURN_IF_ERROR(check_kind(file));
  AdapterFile out;
  out.path_ = file.path();
  out.architecture_ = std::string(AQ_TRY(file.get_string("general.architecture")));
  const double alpha = AQ_TRY(file.get_float("adapter.lora.alpha"));
  if (std::abs(alpha) > std::numeric_limits<float>::max())
    return make_error(Code::kCorrupt, "{} is too large", file.where("adapter.lora.alpha"));
  AdapterPairs pairs(file.path());
  for (const GgufTensor& tensor : file.tensors())
    AQ_RETURN_IF_ERROR(add_tensor(file, tensor, pairs));
  out.pairs_ = AQ_TRY(pairs.finish());
  for (AdapterPair& pair : out.pairs_)  // an alpha of 0 means that there is none
    pair.scale = alpha == 0 ? 1.0f : static_cast<float>(alpha / static_cast<double>(pair.a.rows));
  out.gguf_ = std::move(file);
  return out;
}

Result<AdapterFile> AdapterFile::parse_gguf(std::span<const std::byte> bytes, std::string path) {
  return from_gguf(AQ_TRY(GgufFile::parse(bytes, std::move(path))));
}

Result<AdapterFile> AdapterFile::parse_folder(
    std::string path, std::map<std::string, std::span<const std::byte>> files) {
  return PeftReader(FolderFiles::in_memory(std::move(path), std::move(files))).read();
}

Result<AdapterFile> AdapterFile::open(const std::string& path) {
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec))
    return PeftReader(AQ_TRY(FolderFiles::open(path))).read();
  if (path.ends_with(".safetensors") || path.ends_with(".json"))
    return make_error(Code::kInvalidArgument,
                      "{}: one file of an adapter; name the folder that it lies in", path);
  return from_gguf(AQ_TRY(GgufFile::open(path)));
}

}  // namespace aquilon::formats
