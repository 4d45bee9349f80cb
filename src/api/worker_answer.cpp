#include <exception>

#include "api/worker_answer_internal.h"

namespace aquilon::api {
namespace {

HttpResponse work(const ModelTable& models, const WorkerRoute& route, const BodyRules& rules,
                  const HttpRequest& http) {
  const auto refuse = [&](const ApiError& error) {
    return error_response(error, route.errors, http.id);
  };
  try {
    CompletionRequest request;
    if (const Refusal refusal = read_body(route.body(), http.body, rules, request))
      return refuse(*refusal);
    const ServedModel* model = models.find(request.model);
    if (!model) return refuse(unknown_model(request.model));
    auto body = route.answer(*model->generator, request);
    if (!body.ok()) return refuse(from_error(body.error()));
    return {.body = std::move(body).value()};
  } catch (const std::exception&) {  // of the JSON library: out of memory
    return refuse({.status = 500, .message = "the server failed to read this request"});
  }
}

}  // namespace

void answer_on_worker(ApiContext& context, const WorkerRoute& route, HttpRequest request,
                      std::shared_ptr<Exchange> exchange) {
  const BodyRules rules{.strict = context.strict, .default_model = context.models.default_name()};
  const auto job = [&models = context.models, route, rules, http = std::move(request), exchange] {
    auto response = std::make_shared<HttpResponse>(work(models, route, rules, http));
    exchange->post([response, exchange] { exchange->respond(std::move(*response)); });
  };
  exchange->offload(job);
}

}  // namespace aquilon::api
