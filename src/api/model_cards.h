// The models that a server offers, as clients name and see them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/account.h"
#include "chat/model_pool.h"

namespace aquilon::api {

// The first model that the key (null: none is needed) may use: that of requests which need not name
// one. Absent: there is none.
std::optional<chat::ModelPool::Index> first_model(const chat::ModelPool& models,
                                                  const Account* account);
// Its id; empty: there is none.
std::string default_model(const chat::ModelPool& models, const Account* account);
// By id or alias, also where the key may not use it. "azureai", which Mistral's Azure libraries
// send for want of a name, is the default model.
std::optional<chat::ModelPool::Index> find_model(const chat::ModelPool& models,
                                                 std::string_view name, const Account* account);

// GET /v1/models: each model that the key (null: none is needed) may use, under its id and under
// each alias.
std::string model_list_json(const chat::ModelPool& models, const Account* account);
// GET /v1/models/{name}.
std::string model_card_json(const chat::ModelStatus& model, std::string_view name);

}  // namespace aquilon::api
