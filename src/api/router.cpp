#include "api/router.h"

#include "api/web_assets.h"

namespace aquilon::api {
namespace {

// clang-format off
constexpr Route kRoutes[] = {
    {"GET",  "/health",              Scope::kPublic, &get_health,  "200 once the server can generate, 503 before"},
    {"POST", "/v1/chat/completions", Scope::kApi,    &answer_chat, "answer a conversation"},
    {"POST", "/v1/completions",      Scope::kApi,    &answer_text, "continue a text or token ids"},
    {"POST", "/v1/fim/completions",  Scope::kApi,    &answer_fim,  "fill in between two texts"},
    {"POST", "/v1/embeddings",       Scope::kApi,    &answer_embeddings, "texts as vectors"},
    {"GET",  "/v1/models",           Scope::kApi,    &list_models, "the models served"},
    {"GET",  "/v1/models/{id}",      Scope::kApi,    &get_model,   "one model"},
    {"GET",  "/",                    Scope::kPublic, &get_page_file, "the chat page"},
};
// clang-format on

bool matches(std::string_view pattern, std::string_view path, std::string_view& tail) {
  const std::size_t open = pattern.find('{');
  if (open == pattern.npos) return pattern == path;
  if (!path.starts_with(pattern.substr(0, open))) return false;
  tail = path.substr(open);
  return !tail.empty();
}

}  // namespace

std::span<const Route> api_routes() {
  return kRoutes;
}

Router::Router() {
  routes_.assign(std::begin(kRoutes), std::end(kRoutes));
  for (const WebAsset& asset : web_assets())
    routes_.push_back(
        {"GET", asset.path, Scope::kPublic, &get_page_file, "a file of the chat page"});
}

const Route* Router::find(std::string_view method, std::string_view path, std::string& tail) const {
  if (method == "HEAD") method = "GET";
  for (const Route& route : routes_) {
    std::string_view rest;
    if (route.method != method || !matches(route.pattern, path, rest)) continue;
    tail = rest;
    return &route;
  }
  return nullptr;
}

std::string Router::allowed_methods(std::string_view path) const {
  std::string methods;
  for (const Route& route : routes_) {
    std::string_view rest;
    if (!matches(route.pattern, path, rest)) continue;
    if (methods.find(route.method) != methods.npos) continue;
    methods += route.method;
    methods += route.method == "GET" ? ", HEAD, " : ", ";
  }
  return methods.empty() ? methods : methods + "OPTIONS";
}

}  // namespace aquilon::api
