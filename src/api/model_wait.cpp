#include <algorithm>
#include <utility>

#include "api/model_wait_internal.h"

namespace aquilon::api {
namespace {

// What is wrong with the server's files is for its log.
Result<chat::ModelLease> without_cause(Result<chat::ModelLease> model, const std::string& id) {
  if (model.ok() || model.error().detail != chat::kLoadFailed) return model;
  Error error = make_error(Code::kUnavailable,
                           "model '{}' could not be loaded: the server's log says why", id);
  error.detail = chat::kLoadFailed;
  return error;
}

}  // namespace

void ModelWait::get(chat::ModelPool::Index model, Then then) {
  if (chat::ModelLease lease = pool_.lease(model)) {
    then(std::move(lease));
    return;
  }
  queued_ = true;
  exchange_->post([self = shared_from_this(), model, then = std::move(then)]() mutable {
    if (self->cancelled_) return;
    self->then_ = std::move(then);
    self->queue(model);
  });
}

void ModelWait::queue(chat::ModelPool::Index model) {
  set_timer();
  std::string id = pool_.status(model).card.id;
  ticket_ =
      pool_.wait(model, tenant_,
                 [self = shared_from_this(), id = std::move(id)](Result<chat::ModelLease> got) {
                   got = without_cause(std::move(got), id);
                   self->exchange_->post(
                       [self, got = std::move(got)]() mutable { self->finish(std::move(got)); });
                 });
}

void ModelWait::set_timer() {
  if (max_seconds_ <= 0) return;
  const double left = std::max(max_seconds_ - seconds(), 0.0);
  const auto time =
      std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(left));
  stop_timer_ = exchange_->after(time, [self = shared_from_this()] {
    self->pool_.forget(self->ticket_);
    self->finish(make_error(Code::kDeadline,
                            "the request took longer than the {} s that this server allows: its "
                            "model was not loaded in time",
                            self->max_seconds_));
  });
}

// The first to come counts.
void ModelWait::finish(Result<chat::ModelLease> model) {
  if (!then_) return;
  if (const auto stop = std::exchange(stop_timer_, nullptr)) stop();
  exchange_->offload([then = std::exchange(then_, nullptr), model = std::move(model)]() mutable {
    then(std::move(model));
  });
}

void ModelWait::cancel() {
  cancelled_ = true;
  if (const auto stop = std::exchange(stop_timer_, nullptr)) stop();
  if (ticket_ != 0) pool_.forget(ticket_);
  then_ = nullptr;
}

}  // namespace aquilon::api
