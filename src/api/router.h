// Routes: one table of method, path, scope and handler. Whatever is not in it does not exist, and a
// route cannot be written without saying who may use it.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/account.h"  // Scope
#include "api/body_schema.h"
#include "api/exchange.h"
#include "api/http_metrics.h"
#include "api/model_cards.h"
#include "api/resumable_streams.h"

namespace aquilon::api {

class Accounts;

// What handlers share. Threads: safe, but for `streams` and `http`, which are the connections'
// thread's.
struct ApiContext {
  chat::ModelPool* models = nullptr;  // there before the first request
  Accounts* accounts = nullptr;       // null: nobody keeps book
  double max_seconds = 0;             // from a request's arrival to its end; 0: no limit
  double longest_step = 0;            // seconds of an engine's step; 0: no limit
  ResumableStreams streams;
  HttpMetrics http;
  std::atomic<bool> strict = false;  // unknown fields of bodies are refused
  std::atomic<bool> stopping = false;
};

// Called on the connection's thread: must not block. Answers through the exchange, now or later.
using Handler = void (*)(ApiContext& context, HttpRequest request,
                         std::shared_ptr<Exchange> exchange);

struct Route {
  std::string_view method;  // GET answers HEAD too
  // "/v1/models"; "{id}" takes all that stands there, slashes included.
  std::string_view pattern;
  Scope scope;
  Handler handler;
  std::string_view summary;
  // For /openapi.json: the body, and the components that answers and events of a stream are.
  const BodySchema& (*body)() = nullptr;
  std::string_view answer = {};
  std::string_view event = {};
  ErrorForm errors = ErrorForm::kCommon;
};

// The API's own routes.
std::span<const Route> api_routes();

class Router {
 public:
  // The API's routes, and one for each embedded file of the page.
  Router();

  // Unless it declares no scope: then the route does not exist.
  void add(const Route& route);

  // The route of a request, and what stands for "{id}" in its path; null when there is none.
  const Route* find(std::string_view method, std::string_view path, std::string& tail) const;
  // "GET, HEAD, OPTIONS": the methods a path knows; empty when the path does not exist.
  std::string allowed_methods(std::string_view path) const;

 private:
  std::vector<Route> routes_;
};

// Why the server should not be sent requests now; empty: it can answer. Threads: safe.
std::string unready_reason(const ApiContext& context);

// The handlers, one group a file.
void get_livez(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange);
void get_readyz(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange);
void get_metrics(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange);
void get_health(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange);
void list_models(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange);
void get_model(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange);
void answer_chat(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange);
void answer_text(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange);
void answer_embeddings(ApiContext& context, HttpRequest request,
                       std::shared_ptr<Exchange> exchange);
void answer_fim(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange);
void answer_azure_chat(ApiContext& context, HttpRequest request,
                       std::shared_ptr<Exchange> exchange);
void answer_azure_text(ApiContext& context, HttpRequest request,
                       std::shared_ptr<Exchange> exchange);
void answer_messages(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange);
void answer_count_tokens(ApiContext& context, HttpRequest request,
                         std::shared_ptr<Exchange> exchange);
void answer_responses(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange);
void answer_azure_embeddings(ApiContext& context, HttpRequest request,
                             std::shared_ptr<Exchange> exchange);
void answer_tokenize(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange);
void answer_detokenize(ApiContext& context, HttpRequest request,
                       std::shared_ptr<Exchange> exchange);
void answer_template(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange);
void answer_load(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange);
void answer_unload(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange);
void get_tokenizer_info(ApiContext& context, HttpRequest request,
                        std::shared_ptr<Exchange> exchange);
void get_info(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange);
void get_openapi(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange);
void get_page_file(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange);

}  // namespace aquilon::api
