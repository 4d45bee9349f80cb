#include "api/model_cards.h"

#include <fmt/format.h>

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

std::optional<chat::ModelPool::Index> first_model(const chat::ModelPool& models,
                                                  const Account* account) {
  const std::size_t count = models.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (!account) return i;
    const chat::ModelStatus model = models.status(i);
    if (account->may_use(model.card.id, model.aliases)) return i;
  }
  return {};
}

std::string default_model(const chat::ModelPool& models, const Account* account) {
  const auto model = first_model(models, account);
  return model ? models.status(*model).card.id : std::string();
}

std::optional<chat::ModelPool::Index> find_model(const chat::ModelPool& models,
                                                 std::string_view name, const Account* account) {
  if (const auto model = models.find(name)) return model;
  return name == "azureai" ? first_model(models, account) : std::nullopt;
}

std::string model_card_json(const chat::ModelStatus& model, std::string_view name) {
  const chat::ModelCard& card = model.card;
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
      "\"function_calling\":{},\"fine_tuning\":false,\"vision\":false,\"ocr\":false,"
      "\"classification\":false,\"moderation\":false,\"audio\":false,"
      "\"audio_transcription\":false,\"reasoning\":{}}}",
      card.chat, card.fill_in, card.tools, card.reasoning);
  out += ",\"deprecation\":null,\"default_model_temperature\":null,\"type\":\"base\",\"root\":";
  append_json_string(out, card.id);
  out += ",\"parent\":";
  if (card.parent.empty())
    out += "null";
  else
    append_json_string(out, card.parent);
  // As llama-server says it of the models that it swaps.
  out += fmt::format(
      ",\"permission\":[],\"status\":{{\"value\":\"{}\",\"ready\":{},\"failed\":{},"
      "\"bytes\":{}}}}}",
      chat::model_state_name(model.state), model.ready, model.failed, model.bytes);
  return out;
}

std::string model_list_json(const chat::ModelPool& models, const Account* account) {
  std::string out = "{\"object\":\"list\",\"data\":[";
  const auto append = [&out](const chat::ModelStatus& model, std::string_view name) {
    if (out.back() != '[') out += ',';
    out += model_card_json(model, name);
  };
  const std::size_t count = models.size();
  for (std::size_t i = 0; i < count; ++i) {
    const chat::ModelStatus model = models.status(i);
    if (account && !account->may_use(model.card.id, model.aliases)) continue;
    append(model, model.card.id);
    for (const std::string& alias : model.aliases) append(model, alias);
  }
  out += "]}";
  return out;
}

}  // namespace aquilon::api
