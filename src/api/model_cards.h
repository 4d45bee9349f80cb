// The models that a server offers, as clients name and see them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/account.h"
#include "chat/model_pool.h"

namespace aquilon::api {

// By id or alias. "azureai", which Mistral's Azure libraries send for want of a name, is the
// default model.
std::optional<chat::ModelPool::Index> find_model(const chat::ModelPool& models,
                                                 std::string_view name);
// The id of the first model: that of requests which need not name one. Empty: there is none.
std::string default_model(const chat::ModelPool& models);

// GET /v1/models: each model that the key (null: none is needed) may use, under its id and under
// each alias.
std::string model_list_json(const chat::ModelPool& models, const Account* account);
// GET /v1/models/{name}.
std::string model_card_json(const chat::ModelStatus& model, std::string_view name);

}  // namespace aquilon::api
