#include "base/utf8.h"
#include "formats/companions_internal.h"

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

std::string last_part(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
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
          .chat_template = path_of("chat_template.jinja")};
}

Result<GgufFile> finish_folder(FolderFiles& folder, const WeightFiles& weights,
                               std::string_view architecture, std::uint64_t vocabulary,
                               DescriptionBuilder builder) {
  const std::string name = last_part(folder.path());
  if (is_utf8(name)) builder.put_text("general.name", name);
  builder.put_count(std::string(architecture) + ".vocab_size", vocabulary);
  builder.set_companions(find_companions(folder));
  builder.add_file_bytes(weights.bytes());
  builder.keep(folder.take_maps());
  return std::move(builder).finish();
}

}  // namespace aquilon::formats
