#include <exception>

#include "api/limits.h"
#include "api/model_wait_internal.h"
#include "api/worker_answer_internal.h"

namespace aquilon::api {
namespace {

// One such request.
class WorkerAnswer : public std::enable_shared_from_this<WorkerAnswer> {
 public:
  WorkerAnswer(ApiContext& context, const WorkerRoute& route, HttpRequest request,
               std::shared_ptr<Exchange> exchange)
      : models_(*context.models),
        route_(route),
        http_(std::move(request)),
        rules_({.strict = context.strict,
                .default_model = default_model(models_, http_.account.get())}),
        exchange_(std::move(exchange)),
        wait_(std::make_shared<ModelWait>(models_, exchange_, http_.tenant, context.max_seconds)) {}

  void start() {
    exchange_->on_abandoned([self = shared_from_this()](AbandonReason reason) {
      self->wait_->cancel();
      if (reason == AbandonReason::kShutdown)
        self->exchange_->respond(self->refusal(
            {.status = 503, .message = "the server is shutting down", .code = "shutting_down"}));
    });
    exchange_->offload([self = shared_from_this()] { self->read(); });
  }

 private:
  // On a worker.
  void read() {
    Refusal refusal;
    try {
      refusal = read_body(route_.body(), http_.body, rules_, request_);
    } catch (const std::exception&) {  // of the JSON library: out of memory
      refusal = internal_failure();
    }
    if (refusal) return respond(this->refusal(*refusal));
    const auto model = find_model(models_, request_.model, http_.account.get());
    if (!model) return respond(this->refusal(unknown_model(request_.model)));
    if (const Refusal forbidden = check_model(http_.account.get(), models_.status(*model)))
      return respond(this->refusal(*forbidden));
    wait_->get(*model, [self = shared_from_this()](Result<chat::ModelLease> lease) {
      self->answer(std::move(lease));
    });
  }

  void answer(Result<chat::ModelLease> model) {
    if (!model.ok()) return respond(refusal(from_error(model.error())));
    try {
      auto body = route_.answer(**model, request_);
      if (!body.ok()) return respond(refusal(from_error(body.error())));
      respond({.body = std::move(body).value()});
    } catch (const std::exception&) {
      respond(refusal(internal_failure()));
    }
  }

  HttpResponse refusal(const ApiError& error) const {
    return error_response(error, route_.errors, http_.id);
  }

  void respond(HttpResponse response) {
    auto shared = std::make_shared<HttpResponse>(std::move(response));
    exchange_->post(
        [self = shared_from_this(), shared] { self->exchange_->respond(std::move(*shared)); });
  }

  chat::ModelPool& models_;
  const WorkerRoute route_;
  const HttpRequest http_;
  const BodyRules rules_;
  const std::shared_ptr<Exchange> exchange_;
  const std::shared_ptr<ModelWait> wait_;
  CompletionRequest request_;
};

}  // namespace

void answer_on_worker(ApiContext& context, const WorkerRoute& route, HttpRequest request,
                      std::shared_ptr<Exchange> exchange) {
  std::make_shared<WorkerAnswer>(context, route, std::move(request), std::move(exchange))->start();
}

}  // namespace aquilon::api
