// The models that a server offers, by every name they answer to.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chat/generator.h"

namespace aquilon::api {

struct ServedModel {
  std::shared_ptr<chat::Generator> generator;
  std::vector<std::string> aliases;  // besides the card's id
};

// Threads: safe; immutable.
class ModelTable {
 public:
  ModelTable() = default;
  explicit ModelTable(std::vector<ServedModel> models) : models_(std::move(models)) {}

  // Null when no model has this id or alias. "azureai", which Mistral's Azure libraries send for
  // want of a name, is the default model.
  const ServedModel* find(std::string_view name) const;
  const std::vector<ServedModel>& all() const { return models_; }
  // The id of the first model: that of requests which need not name one. Empty: there is none.
  std::string default_name() const;
  // There is a model, and every one can generate.
  bool ready() const;

 private:
  std::vector<ServedModel> models_;
};

// GET /v1/models: each model under its id and under each alias.
std::string model_list_json(const ModelTable& models);
// GET /v1/models/{name}.
std::string model_card_json(const ServedModel& model, std::string_view name);

}  // namespace aquilon::api
