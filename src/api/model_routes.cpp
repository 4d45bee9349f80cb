// Loading and unloading by hand, as llama-server has it.
#include <exception>

#include "api/limits.h"
#include "api/router.h"
#include "api/worker_answer_internal.h"

namespace aquilon::api {
namespace {

constexpr std::string_view kSuccess = R"({"success":true})";

// Its model is loaded by then.
Result<std::string> loaded(const chat::Generator&, const CompletionRequest&) {
  return std::string(kSuccess);
}

// On a worker.
void unload(ApiContext& context, const HttpRequest& request,
            std::function<void(const Refusal&)> done) {
  CompletionRequest asked;
  const Account* account = request.account.get();
  const BodyRules rules{.strict = context.strict,
                        .default_model = default_model(*context.models, account)};
  try {
    if (const Refusal refusal = read_body(model_body(), request.body, rules, asked))
      return done(refusal);
  } catch (const std::exception&) {  // of the JSON library: out of memory
    return done(ApiError{.status = 500, .message = "the server failed to read this request"});
  }
  const auto model = find_model(*context.models, asked.model, account);
  if (!model) return done(unknown_model(asked.model));
  if (const Refusal forbidden = check_model(account, context.models->status(*model)))
    return done(forbidden);
  context.models->unload(*model, [done = std::move(done)](const Status& status) {
    done(status.ok() ? Refusal() : Refusal(from_error(status.error())));
  });
}

}  // namespace

void answer_load(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange) {
  answer_on_worker(context, {&model_body, &loaded}, std::move(request), std::move(exchange));
}

void answer_unload(ApiContext& context, HttpRequest request, std::shared_ptr<Exchange> exchange) {
  // A server that stops waits for nobody: the pool answers when answers end, or is forgotten.
  exchange->on_abandoned([exchange](AbandonReason reason) {
    if (reason == AbandonReason::kShutdown)
      exchange->respond(error_response(
          {.status = 503, .message = "the server is shutting down", .code = "shutting_down"}));
  });
  exchange->offload([&context, request = std::move(request), exchange] {
    unload(context, request, [exchange](const Refusal& refusal) {
      exchange->post([exchange, refusal] {
        exchange->respond(refusal ? error_response(*refusal)
                                  : HttpResponse{.body = std::string(kSuccess)});
      });
    });
  });
}

}  // namespace aquilon::api
