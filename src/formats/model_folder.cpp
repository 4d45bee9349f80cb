#include "formats/model_folder.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "formats/companions_internal.h"
#include "formats/folder_layouts_internal.h"
#include "formats/hf_config_internal.h"
#include "formats/source_names_internal.h"
#include "formats/weight_files_internal.h"

namespace aquilon::formats {
namespace {

Result<GgufFile> describe(FolderFiles folder) {
  const bool hugging_face = folder.has("config.json");
  const bool mistral = folder.has("params.json");
  // Published folders hold both layouts at times. config.json leaves less to defaults.
  const bool only_consolidated =
      WeightFiles::present(folder, "consolidated") && !WeightFiles::present(folder, "model");
  if (mistral && (!hugging_face || only_consolidated)) return describe_mistral(std::move(folder));
  if (hugging_face) return describe_hugging_face(std::move(folder));
  return make_error(Code::kNotFound,
                    "{}: no model folder: neither config.json (Hugging Face) nor params.json "
                    "(Mistral) is here",
                    folder.path());
}

// Rows of the embeddings by the configuration, as far as there is one.
Result<std::optional<std::uint64_t>> stated_vocabulary(const JsonFields& root) {
  std::optional<std::uint64_t> rows;
  const auto inner = AQ_TRY(root.object("text_config"));
  for (const JsonFields* fields : {&root, inner ? &*inner : &root})
    if (fields->has("vocab_size")) rows = AQ_TRY(fields->count("vocab_size", 1, 1u << 24));
  return rows;
}

Result<GgufFile> describe_text(FolderFiles folder) {
  CompanionFiles companions = find_companions(folder);
  if (!companions.has_tokenizer())
    return make_error(Code::kNotFound,
                      "{}: no tokenizer is here: neither tokenizer.json, tekken.json nor "
                      "tokenizer.model",
                      folder.path());
  DescriptionBuilder builder(folder.path());
  for (const std::string_view name : {"config.json", "params.json"}) {
    if (!folder.has(name)) continue;
    const std::string path = folder.path_of(name);
    const std::string text = AQ_TRY(folder.text(name, kMaxConfigBytes));
    const boost::json::object object = AQ_TRY(read_json_object(text, path));
    const JsonFields root(object, path);
    companions.vocabulary = AQ_TRY(stated_vocabulary(root));
    if (name == "config.json") AQ_RETURN_IF_ERROR(put_hf_tokens(folder, root, builder));
    builder.set_names(source_names(NameStyle::kHuggingFace, path));
    break;
  }
  if (!folder.has("config.json")) {
    const boost::json::object none;
    AQ_RETURN_IF_ERROR(put_hf_tokens(folder, JsonFields(none, folder.path()), builder));
  }
  builder.set_companions(std::move(companions));
  return std::move(builder).finish();
}

// Helps who names a file of a folder. Everything else is the GGUF reader's to judge.
Status refuse_parts_of_folders(const std::string& path) {
  const MappedFile map = AQ_TRY(MappedFile::open(path));
  const std::span<const std::byte> bytes = map.bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              std::min<std::size_t>(bytes.size(), 4096));
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != text.npos && text[first] == '{') {
    const std::string name = path.substr(path.rfind('/') + 1);
    const bool tokenizer = name.starts_with("tokenizer") || name.starts_with("tekken");
    return make_error(Code::kInvalidArgument,
                      "{}: a JSON file is no model; name the folder that it lies in{}", path,
                      tokenizer ? ", or use it with `aquilon tokenize`" : "");
  }
  std::uint64_t header = 0;
  if (bytes.size() < 10) return {};
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header > bytes.size() - 8 || bytes[8] != std::byte{'{'}) return {};
  return make_error(Code::kInvalidArgument,
                    "{}: a safetensors file says nothing of the model; name its folder", path);
}

}  // namespace

Result<GgufFile> open_model(const std::string& path) {
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec)) {
    FolderFiles folder = AQ_TRY(FolderFiles::open(path));
    return describe(std::move(folder));
  }
  AQ_RETURN_IF_ERROR(refuse_parts_of_folders(path));
  return GgufFile::open(path);
}

Result<GgufFile> open_model_text(const std::string& path) {
  std::error_code ec;
  if (!std::filesystem::is_directory(path, ec)) return open_model(path);
  FolderFiles folder = AQ_TRY(FolderFiles::open(path));
  return describe_text(std::move(folder));
}

Result<GgufFile> describe_folder(std::string path,
                                 std::map<std::string, std::span<const std::byte>> files) {
  return describe(FolderFiles::in_memory(std::move(path), std::move(files)));
}

Result<GgufFile> describe_folder_text(std::string path,
                                      std::map<std::string, std::span<const std::byte>> files) {
  return describe_text(FolderFiles::in_memory(std::move(path), std::move(files)));
}

}  // namespace aquilon::formats
