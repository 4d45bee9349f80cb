// The API's description of itself (OpenAPI 3.1): routes from the router's table, bodies from the
// tables of fields, answers from data/answer_schemas.json.
#pragma once

#include <string>

#include "api/router.h"

namespace aquilon::api {

// Threads: safe; built once.
const std::string& openapi_json();

// The name there of a route's body: where Azure's libraries ask, `model` may be left out.
std::string body_component(const Route& route);

}  // namespace aquilon::api
