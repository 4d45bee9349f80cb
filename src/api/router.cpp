#include "api/router.h"

#include "api/web_assets.h"

namespace aquilon::api {
namespace {

// clang-format off
constexpr Route kRoutes[] = {
    {"GET",  "/health",              Scope::kPublic, &get_health,  "200 once the server can generate, 503 before", nullptr, "Health"},
    {"GET",  "/livez",               Scope::kPublic, &get_livez,   "200 unless this process should be ended", nullptr, "Probe"},
    {"GET",  "/readyz",              Scope::kPublic, &get_readyz,  "200 while it can answer; 503 with the reason otherwise", nullptr, "Probe"},
    {"GET",  "/metrics",             Scope::kMetrics, &get_metrics, "counts and times, as Prometheus reads them", nullptr, "Metrics"},
    {"POST", "/v1/chat/completions", Scope::kApi,    &answer_chat, "answer a conversation", &chat_body, "ChatCompletion", "ChatCompletionChunk"},
    {"POST", "/v1/completions",      Scope::kApi,    &answer_text, "continue a text or token ids", &text_body, "Completion", "Completion"},
    {"POST", "/v1/fim/completions",  Scope::kApi,    &answer_fim,  "fill in between two texts", &fim_body, "ChatCompletion", "ChatCompletionChunk"},
    {"POST", "/v1/embeddings",       Scope::kApi,    &answer_embeddings, "texts as vectors", &embedding_body, "Embeddings"},
    {"GET",  "/v1/models",           Scope::kApi,    &list_models, "the models served", nullptr, "ModelList"},
    {"GET",  "/v1/models/{id}",      Scope::kApi,    &get_model,   "one model", nullptr, "ModelCard"},

    // As llama-server has them.
    {"POST", "/models/load",         Scope::kAdmin,  &answer_load,   "load a model now; answers when it is loaded", &model_body, "Success"},
    {"POST", "/models/unload",       Scope::kAdmin,  &answer_unload, "give a model's memory back once it answers no more; it is loaded again when it is asked for", &model_body, "Success"},

    {"POST", "/v1/responses",             Scope::kApi, &answer_responses,    "answer an input, OpenAI's newer form", &responses_body, "Response", "ResponseEvent"},
    {"POST", "/v1/messages",              Scope::kApi, &answer_messages,     "answer a conversation, Anthropic's form", &messages_body, "Message", "MessageEvent", ErrorForm::kAnthropic},
    {"POST", "/v1/messages/count_tokens", Scope::kApi, &answer_count_tokens, "the tokens of such a conversation's prompt", &count_tokens_body, "TokenCount", {}, ErrorForm::kAnthropic},
    {"POST", "/openai/v1/responses",      Scope::kApi, &answer_responses,    "answer an input, OpenAI's newer form", &responses_body, "Response", "ResponseEvent"},

    {"POST", "/tokenize",       Scope::kApi, &answer_tokenize,   "the ids of a text, or of a conversation's prompt", &tokenize_body, "Tokens"},
    {"POST", "/detokenize",     Scope::kApi, &answer_detokenize, "the text of ids", &detokenize_body, "Detokenized"},
    {"GET",  "/tokenizer_info", Scope::kApi, &get_tokenizer_info, "the default model's tokenizer, as vLLM tells it", nullptr, "TokenizerInfo"},
    {"POST", "/apply-template", Scope::kApi, &answer_template,   "the text of a conversation's prompt", &template_body, "TemplatePrompt"},

    // As Azure's libraries ask: `model` may be left out for the default one, or stands in the path.
    {"POST", "/chat/completions",           Scope::kApi, &answer_azure_chat, "answer a conversation", &chat_body, "ChatCompletion", "ChatCompletionChunk", ErrorForm::kAzure},
    {"POST", "/models/chat/completions",    Scope::kApi, &answer_azure_chat, "answer a conversation", &chat_body, "ChatCompletion", "ChatCompletionChunk", ErrorForm::kAzure},
    {"POST", "/v1/models/chat/completions", Scope::kApi, &answer_azure_chat, "answer a conversation", &chat_body, "ChatCompletion", "ChatCompletionChunk", ErrorForm::kAzure},
    {"POST", "/openai/deployments/{id}/chat/completions", Scope::kApi, &answer_azure_chat, "answer a conversation", &chat_body, "ChatCompletion", "ChatCompletionChunk", ErrorForm::kAzure},
    {"POST", "/openai/deployments/{id}/completions",      Scope::kApi, &answer_azure_text, "continue a text or token ids", &text_body, "Completion", "Completion", ErrorForm::kAzure},
    {"POST", "/openai/v1/chat/completions", Scope::kApi, &answer_azure_chat, "answer a conversation", &chat_body, "ChatCompletion", "ChatCompletionChunk", ErrorForm::kAzure},
    {"POST", "/openai/v1/completions",      Scope::kApi, &answer_azure_text, "continue a text or token ids", &text_body, "Completion", "Completion", ErrorForm::kAzure},
    {"GET",  "/openai/v1/models",           Scope::kApi, &list_models,       "the models served", nullptr, "ModelList"},
    {"POST", "/completions",                Scope::kApi, &answer_azure_text, "continue a text or token ids", &text_body, "Completion", "Completion", ErrorForm::kAzure},
    {"POST", "/embeddings",                 Scope::kApi, &answer_azure_embeddings, "texts as vectors", &embedding_body, "Embeddings", {}, ErrorForm::kAzure},
    {"POST", "/openai/deployments/{id}/embeddings", Scope::kApi, &answer_azure_embeddings, "texts as vectors", &embedding_body, "Embeddings", {}, ErrorForm::kAzure},
    {"POST", "/openai/v1/embeddings",       Scope::kApi, &answer_azure_embeddings, "texts as vectors", &embedding_body, "Embeddings", {}, ErrorForm::kAzure},
    {"GET",  "/info",                       Scope::kApi, &get_info,          "the default model", nullptr, "ModelInfo", {}, ErrorForm::kAzure},

    {"GET",  "/openapi.json", Scope::kPublic, &get_openapi, "this description of the API", nullptr, "OpenApi"},
    {"GET",  "/",                    Scope::kPublic, &get_page_file, "the chat page"},
};
// clang-format on

constexpr bool all_declare(std::span<const Route> routes) {
  for (const Route& route : routes)
    if (route.scope == Scope::kUndeclared) return false;
  return true;
}
static_assert(all_declare(kRoutes), "a route without a scope");

bool matches(std::string_view pattern, std::string_view path, std::string_view& tail) {
  const std::size_t open = pattern.find('{');
  if (open == pattern.npos) return pattern == path;
  const std::string_view end = pattern.substr(pattern.find('}') + 1);
  if (path.size() <= open + end.size()) return false;
  if (!path.starts_with(pattern.substr(0, open)) || !path.ends_with(end)) return false;
  tail = path.substr(open, path.size() - open - end.size());
  return !tail.starts_with('/');
}

}  // namespace

std::span<const Route> api_routes() {
  return kRoutes;
}

Router::Router() {
  for (const Route& route : kRoutes) add(route);
  for (const WebAsset& asset : web_assets())
    add({"GET", asset.path, Scope::kPublic, &get_page_file, "a file of the chat page"});
}

void Router::add(const Route& route) {
  if (route.scope != Scope::kUndeclared) routes_.push_back(route);
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
