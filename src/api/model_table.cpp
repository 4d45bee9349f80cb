#include "api/model_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/json_text.h"

namespace aquilon::api {
namespace {

void append_aliases(std::string& out, const std::vector<std::string>& aliases) {
  out += "\"aliases\":[";
  for (std::size_t i = 0; i < aliases.size(); ++i) {
    if (i > 0) out += ',';
    append_json_string(out, aliases[i]);
  }
  out += ']';
}

}  // namespace

const ServedModel* ModelTable::find(std::string_view name) const {
  for (const ServedModel& model : models_) {
    if (model.generator->card().id == name) return &model;
    if (std::find(model.aliases.begin(), model.aliases.end(), name) != model.aliases.end())
      return &model;
  }
  return name == "azureai" && !models_.empty() ? &models_.front() : nullptr;
}

std::string ModelTable::default_name() const {
  return models_.empty() ? std::string() : models_.front().generator->card().id;
}

bool ModelTable::ready() const {
  return !models_.empty() &&
         std::all_of(models_.begin(), models_.end(),
                     [](const ServedModel& model) { return model.generator->ready(); });
}

std::string model_card_json(const ServedModel& model, std::string_view name) {
  const chat::ModelCard& card = model.generator->card();
  std::string out = "{\"id\":";
  append_json_string(out, name);
  out += fmt::format(",\"object\":\"model\",\"created\":{},\"owned_by\":", card.created);
  append_json_string(out, card.owned_by);
  out += ",\"name\":";
  append_json_string(out, card.id);
  out += ",\"description\":";
  append_json_string(out, card.description);
  out += fmt::format(",\"max_context_length\":{},", card.context_length);
  append_aliases(out, model.aliases);
  out += fmt::format(
      ",\"capabilities\":{{\"completion_chat\":{},\"completion_fim\":{},"
      "\"function_calling\":false,\"fine_tuning\":false,\"vision\":false,\"ocr\":false,"
      "\"classification\":false,\"moderation\":false,\"audio\":false,"
      "\"audio_transcription\":false,\"reasoning\":{}}}",
      card.chat, card.fill_in, card.reasoning);
  out += ",\"deprecation\":null,\"default_model_temperature\":null,\"type\":\"base\",\"root\":";
  append_json_string(out, card.id);
  out += ",\"parent\":null,\"permission\":[]}";
  return out;
}

std::string model_list_json(const ModelTable& models) {
  std::string out = "{\"object\":\"list\",\"data\":[";
  const auto append = [&out](const ServedModel& model, std::string_view name) {
    if (out.back() != '[') out += ',';
    out += model_card_json(model, name);
  };
  for (const ServedModel& model : models.all()) {
    append(model, model.generator->card().id);
    for (const std::string& alias : model.aliases) append(model, alias);
  }
  out += "]}";
  return out;
}

}  // namespace aquilon::api
