#include "formats/hf_config_internal.h"

namespace aquilon::formats {
namespace {

constexpr std::uint64_t kMaxId = (1u << 24) - 1;
constexpr std::size_t kMaxEndIds = 256;

// Ids under a key: a number or a list of them. An empty list where the key is absent.
Result<std::vector<std::uint32_t>> read_ids(const JsonFields& fields, std::string_view key) {
  std::vector<std::uint32_t> ids;
  const boost::json::value* value = fields.find(key);
  if (value == nullptr) return ids;
  const auto add = [&ids](const boost::json::value& v) {
    const bool valid =
        v.is_int64() && v.get_int64() >= 0 && static_cast<std::uint64_t>(v.get_int64()) <= kMaxId;
    if (valid) ids.push_back(static_cast<std::uint32_t>(v.get_int64()));
    return valid;
  };
  bool good = true;
  if (value->is_array())
    for (const boost::json::value& v : value->get_array()) good = good && add(v);
  else
    good = add(*value);
  if (good && ids.size() <= kMaxEndIds) return ids;
  return fields.wrong(key, "a token id or a list of some");
}

// The first of the files that has the key. generation_config.json counts most: it is what
// generate() ends by.
Result<std::vector<std::uint32_t>> first_ids(const std::vector<const JsonFields*>& sources,
                                             std::string_view key) {
  for (const JsonFields* source : sources) {
    std::vector<std::uint32_t> ids = AQ_TRY(read_ids(*source, key));
    if (!ids.empty()) return ids;
  }
  return std::vector<std::uint32_t>();
}

void put_ids(const std::vector<std::uint32_t>& bos, const std::vector<std::uint32_t>& ends,
             DescriptionBuilder& builder) {
  constexpr std::string_view kEndKeys[] = {
      "tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"};
  if (!bos.empty()) builder.put_count("tokenizer.ggml.bos_token_id", bos[0]);
  for (std::size_t i = 0; i < ends.size() && i < std::size(kEndKeys); ++i)
    builder.put_count(kEndKeys[i], ends[i]);
  if (ends.size() > 1) builder.put_counts("aquilon.eos_token_ids", ends);
}

// A token's written form: a text, or an object with its content. Empty where the key is absent.
Result<std::string> form_of(const JsonFields& config, std::string_view key) {
  const boost::json::value* value = config.find(key);
  if (value == nullptr || !value->is_object()) return config.text(key, "");
  const JsonFields fields(value->get_object(), config.file(), std::string(key) + ".");
  return fields.text("content", "");
}

Status put_tokenizer_config(const JsonFields& config, DescriptionBuilder& builder) {
  const bool add_bos = AQ_TRY(config.flag("add_bos_token", false));
  if (config.has("add_bos_token")) builder.put_flag("tokenizer.ggml.add_bos_token", add_bos);
  for (const std::string_view key : {"bos_token", "eos_token"}) {
    const std::string form = AQ_TRY(form_of(config, key));
    if (!form.empty()) builder.put_text("aquilon." + std::string(key), form);
  }
  return {};
}

// A JSON object of the folder; an empty one where the file is not there.
Result<boost::json::object> optional_object(const FolderFiles& folder, std::string_view name) {
  if (!folder.has(name)) return boost::json::object();
  const std::string text = AQ_TRY(folder.text(name, kMaxConfigBytes));
  return read_json_object(text, folder.path_of(name));
}

}  // namespace

Status put_hf_tokens(const FolderFiles& folder, const JsonFields& root,
                     DescriptionBuilder& builder) {
  constexpr std::string_view kGeneration = "generation_config.json";
  constexpr std::string_view kTokenizer = "tokenizer_config.json";
  const std::string path = folder.path_of(kGeneration);
  const boost::json::object object = AQ_TRY(optional_object(folder, kGeneration));
  const JsonFields generation(object, path);
  std::vector<const JsonFields*> sources = {&generation, &root};
  const auto text_config = AQ_TRY(root.object("text_config"));
  if (text_config) sources.push_back(&*text_config);
  const auto bos = AQ_TRY(first_ids(sources, "bos_token_id"));
  const auto ends = AQ_TRY(first_ids(sources, "eos_token_id"));
  put_ids(bos, ends, builder);
  const std::string tokenizer_path = folder.path_of(kTokenizer);
  const boost::json::object tokenizer = AQ_TRY(optional_object(folder, kTokenizer));
  const JsonFields config(tokenizer, tokenizer_path);
  AQ_RETURN_IF_ERROR(put_tokenizer_config(config, builder));
  return put_hf_templates(folder, config, builder);
}

}  // namespace aquilon::formats
