#include <filesystem>

#include "base/utf8.h"
#include "formats/companions_internal.h"
#include "formats/hf_config_internal.h"

namespace aquilon::formats {
namespace {

// Mistral numbers its SentencePiece files ("tokenizer.model.v3"); the last of a folder counts.
std::string sentencepiece_name(const FolderFiles& folder) {
  if (folder.has("tokenizer.model")) return "tokenizer.model";
  std::string last;
  for (const std::string& name : folder.names())
    if (name.starts_with("tokenizer.model.v")) last = name;
  return last;
}

// Of a path that may be "." or "..", too.
std::string last_part(const std::string& path) {
  std::error_code ec;
  const auto whole = std::filesystem::weakly_canonical(path, ec);
  return ec ? path.substr(path.rfind('/') + 1) : whole.filename().string();
}

// The files that are read beside the weights, what tells the model first.
std::vector<std::string> small_files(const FolderFiles& folder) {
  constexpr std::string_view kNames[] = {"config.json",
                                         "params.json",
                                         "generation_config.json",
                                         "tokenizer_config.json",
                                         "tokenizer.json",
                                         "tekken.json",
                                         "chat_template.json",
                                         "model.safetensors.index.json",
                                         "consolidated.safetensors.index.json"};
  std::vector<std::string> paths;
  for (const std::string_view name : kNames)
    if (folder.has(name)) paths.push_back(folder.path_of(name));
  const std::string pieces = sentencepiece_name(folder);
  if (!pieces.empty()) paths.push_back(folder.path_of(pieces));
  for (const std::string& name : folder.names())
    if (is_template_file(name)) paths.push_back(folder.path_of(name));
  return paths;
}

}  // namespace

CompanionFiles find_companions(const FolderFiles& folder) {
  const auto path_of = [&folder](std::string_view name) {
    return !name.empty() && folder.has(name) ? folder.path_of(name) : std::string();
  };
  return {.tokenizer_json = path_of("tokenizer.json"),
          .tokenizer_config = path_of("tokenizer_config.json"),
          .tokenizer_model = path_of(sentencepiece_name(folder)),
          .tekken_json = path_of("tekken.json"),
          .chat_template = path_of("chat_template.jinja"),
          .vocabulary = {}};
}

Result<GgufFile> finish_folder(FolderFiles& folder, const WeightFiles& weights,
                               std::string_view architecture, std::uint64_t vocabulary,
                               DescriptionBuilder builder) {
  const std::string name = last_part(folder.path());
  if (is_utf8(name)) builder.put_text("general.name", name);
  builder.put_count(std::string(architecture) + ".vocab_size", vocabulary);
  CompanionFiles companions = find_companions(folder);
  companions.vocabulary = vocabulary;
  builder.set_companions(std::move(companions));
  builder.set_small_files(small_files(folder));
  builder.add_file_bytes(weights.bytes());
  builder.keep(folder.take_maps());
  return std::move(builder).finish();
}

}  // namespace aquilon::formats
