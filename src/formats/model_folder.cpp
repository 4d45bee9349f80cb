#include "formats/model_folder.h"

#include <cstring>
#include <filesystem>

#include "formats/folder_layouts_internal.h"
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

// Helps who names a file of a folder. Everything else is the GGUF reader's to judge.
Status refuse_safetensors(const std::string& path) {
  const MappedFile map = AQ_TRY(MappedFile::open(path));
  const std::span<const std::byte> bytes = map.bytes();
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
  AQ_RETURN_IF_ERROR(refuse_safetensors(path));
  return GgufFile::open(path);
}

Result<GgufFile> describe_folder(std::string path,
                                 std::map<std::string, std::span<const std::byte>> files) {
  return describe(FolderFiles::in_memory(std::move(path), std::move(files)));
}

}  // namespace aquilon::formats
