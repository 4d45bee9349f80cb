// How a request gets its model: at once, or when the pool has loaded it, or not in time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "api/exchange.h"
#include "chat/model_pool.h"

namespace aquilon::api {

class ModelWait : public std::enable_shared_from_this<ModelWait> {
 public:
  using Clock = std::chrono::steady_clock;
  // Takes the model, or the reason why there is none. Called on a worker, at most once.
  using Then = std::function<void(Result<chat::ModelLease>)>;

  // `max_seconds`: from now to the end of the request; 0: no limit.
  ModelWait(chat::ModelPool& pool, std::shared_ptr<Exchange> exchange, std::uint64_t tenant,
            double max_seconds)
      : pool_(pool), exchange_(std::move(exchange)), tenant_(tenant), max_seconds_(max_seconds) {}

  // On a worker, once. May call `then` before it returns.
  void get(chat::ModelPool::Index model, Then then);
  // On the connection's thread: nobody wants the model any more.
  void cancel();

  // The model was not loaded when it was asked for.
  bool queued() const { return queued_; }
  // Since the request came.
  double seconds() const { return std::chrono::duration<double>(Clock::now() - begun_).count(); }

 private:
  // On the connection's thread.
  void queue(chat::ModelPool::Index model);
  void set_timer();
  void finish(Result<chat::ModelLease> model);

  chat::ModelPool& pool_;
  std::shared_ptr<Exchange> exchange_;
  const std::uint64_t tenant_;
  const double max_seconds_;
  const Clock::time_point begun_ = Clock::now();
  Then then_;
  std::uint64_t ticket_ = 0;  // in the pool's queue; 0: none
  std::function<void()> stop_timer_;
  bool queued_ = false;
  bool cancelled_ = false;
};

}  // namespace aquilon::api
