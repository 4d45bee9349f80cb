// Chat templates of a Hugging Face folder, where transformers looks for them.
#include <algorithm>
#include <map>

#include "base/utf8.h"
#include "formats/hf_config_internal.h"

namespace aquilon::formats {
namespace {

constexpr std::uint64_t kMaxTemplateBytes = 1u << 20;
constexpr std::size_t kMaxTemplates = 64;
constexpr std::string_view kDefault = "default";
constexpr std::string_view kJinja = ".jinja";

// By name: "default", "tool_use", "rag".
using Templates = std::map<std::string, std::string>;

bool is_template_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

// The key chat_template of tokenizer_config.json or chat_template.json: a text, or a list of named
// ones.
Result<Templates> templates_of(const JsonFields& config) {
  constexpr std::string_view kKey = "chat_template";
  const boost::json::value* value = config.find(kKey);
  Templates templates;
  if (value == nullptr) return templates;
  if (!value->is_array()) {
    templates.emplace(kDefault, AQ_TRY(config.text(kKey, "")));
    return templates;
  }
  if (value->get_array().size() > kMaxTemplates)
    return config.wrong(kKey, fmt::format("at most {} templates", kMaxTemplates));
  for (const boost::json::value& entry : value->get_array()) {
    if (!entry.is_object()) return config.wrong(kKey, "a list of objects");
    const JsonFields fields(entry.get_object(), config.file(), "chat_template.");
    const std::string name = AQ_TRY(fields.text("name", ""));
    if (!is_template_name(name)) return fields.wrong("name", "a short name");
    std::string text = AQ_TRY(fields.text("template", ""));
    if (!templates.emplace(name, std::move(text)).second)
      return make_error(Code::kCorrupt, "{}: two chat templates are called '{}'", config.file(),
                        name);
  }
  return templates;
}

// The template that a file's name says; empty for other files. The last form is how the store,
// which has no folders in folders, keeps the second.
std::string_view template_name(std::string_view file) {
  if (file == "chat_template.jinja") return kDefault;
  if (!file.ends_with(kJinja)) return {};
  for (const std::string_view front : {kMoreTemplates, std::string_view("chat_template.")}) {
    if (!file.starts_with(front)) continue;
    file.remove_prefix(front.size());
    file.remove_suffix(kJinja.size());
    return is_template_name(file) ? file : std::string_view();
  }
  return {};
}

Result<Templates> template_files(const FolderFiles& folder) {
  Templates templates;
  for (const std::string& file : folder.names()) {
    const std::string_view name = template_name(file);
    if (name.empty() || templates.size() == kMaxTemplates) continue;
    templates.emplace(name, AQ_TRY(folder.text(file, kMaxTemplateBytes)));
  }
  for (const auto& [name, text] : templates)
    if (!is_utf8(text))
      return make_error(Code::kCorrupt, "{}: the chat template '{}' is not UTF-8", folder.path(),
                        name);
  return templates;
}

Result<Templates> find_templates(const FolderFiles& folder, const JsonFields& tokenizer_config) {
  Templates templates = AQ_TRY(template_files(folder));
  if (!templates.empty()) return templates;
  templates = AQ_TRY(templates_of(tokenizer_config));
  constexpr std::string_view kProcessor = "chat_template.json";
  if (!templates.empty() || !folder.has(kProcessor)) return templates;
  const std::string path = folder.path_of(kProcessor);
  const std::string text = AQ_TRY(folder.text(kProcessor, kMaxConfigBytes));
  const boost::json::object object = AQ_TRY(read_json_object(text, path));
  return templates_of(JsonFields(object, path));
}

}  // namespace

bool is_template_file(std::string_view name) {
  return !template_name(name).empty();
}

Status put_hf_templates(const FolderFiles& folder, const JsonFields& tokenizer_config,
                        DescriptionBuilder& builder) {
  constexpr std::string_view kKey = "tokenizer.chat_template";
  for (const auto& [name, text] : AQ_TRY(find_templates(folder, tokenizer_config))) {
    if (text.empty()) continue;
    builder.put_text(name == kDefault ? std::string(kKey) : fmt::format("{}.{}", kKey, name), text);
  }
  return {};
}

}  // namespace aquilon::formats
