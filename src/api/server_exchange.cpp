#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <memory>
#include <utility>

#include "api/http_writer_internal.h"
#include "api/server_exchange_internal.h"
#include "base/check.h"

namespace aquilon::api {

ServerExchange::ServerExchange(boost::asio::io_context& io, WorkerPools& workers,
                               std::uint64_t tenant, std::size_t max_unsent_bytes,
                               std::function<void()> wake, std::string id)
    : io_(io),
      workers_(workers),
      tenant_(tenant),
      work_(io.get_executor()),
      max_unsent_bytes_(max_unsent_bytes),
      wake_(std::move(wake)),
      id_(std::move(id)) {}

void ServerExchange::post(std::function<void()> task) {
  boost::asio::post(io_, contained(std::move(task)));
}

void ServerExchange::offload(std::function<void()> work) {
  workers_.quick.post(tenant_, contained(std::move(work)));
}

void ServerExchange::offload_long(std::function<void()> work) {
  workers_.slow.post(tenant_, contained(std::move(work)));
}

std::function<void()> ServerExchange::after(std::chrono::milliseconds time,
                                            std::function<void()> task) {
  const auto timer = std::make_shared<boost::asio::steady_timer>(io_, time);
  timer->async_wait(
      [timer, task = contained(std::move(task))](const boost::system::error_code& ec) {
        if (!ec) task();
      });
  return [weak = std::weak_ptr(timer)] {
    if (const auto running = weak.lock()) running->cancel();
  };
}

void ServerExchange::respond(HttpResponse response) {
  if (ended_ || response_) return;
  response_ = std::move(response);
  ended_ = true;
  on_abandoned_ = nullptr;
  wake();
}

void ServerExchange::begin_events(std::vector<Header> headers) {
  if (ended_ || response_) return;
  stream_ = true;
  response_ = HttpResponse{.content_type = "text/event-stream; charset=utf-8"};
  response_->headers = std::move(headers);
  response_->headers.push_back({"Cache-Control", "no-store"});
  response_->headers.push_back({"X-Accel-Buffering", "no"});
  wake();
}

void ServerExchange::send_event(std::string_view data, std::string_view name, std::string_view id) {
  if (ended_ || !stream_) return;
  if (unsent_.size() + data.size() > max_unsent_bytes_) {
    overflown_ = true;
    abandon(AbandonReason::kClientGone);
    return;
  }
  append_event(unsent_, data, name, id);
  wake();
}

void ServerExchange::end_events() {
  if (ended_ || !stream_) return;
  ended_ = true;
  on_abandoned_ = nullptr;
  wake();
}

void ServerExchange::on_abandoned(std::function<void(AbandonReason)> callback) {
  if (!ended_) on_abandoned_ = std::move(callback);
}

void ServerExchange::abandon(AbandonReason reason) {
  if (ended_) return;
  const auto callback = std::exchange(on_abandoned_, nullptr);
  if (callback) callback(reason);
  if (reason == AbandonReason::kClientGone) ended_ = true;
  wake();
}

void ServerExchange::detach() {
  ended_ = true;
  wake_ = nullptr;
  on_abandoned_ = nullptr;
}

void ServerExchange::contain(const std::function<void()>& work) {
  try {
    const CheckScope scope(id_);
    work();
  } catch (const std::exception&) {
    boost::asio::post(io_, [self = shared_from_this()] { self->fail(); });
  }
}

std::function<void()> ServerExchange::contained(std::function<void()> work) {
  return [self = shared_from_this(), work = std::move(work)] { self->contain(work); };
}

// The handler may tell the client in its own form. If it cannot, a stream that has begun ends
// without its last event, so that it is not taken for whole.
void ServerExchange::fail() {
  if (ended_) return;
  failed_ = true;
  if (const auto callback = std::exchange(on_abandoned_, nullptr))
    contain([&] { callback(AbandonReason::kFailed); });
  if (ended_) return;
  if (response_) {
    overflown_ = true;
    ended_ = true;
    wake();
  } else {
    respond(error_response(internal_failure()));
  }
}

void ServerExchange::wake() {
  if (wake_) wake_();
}

}  // namespace aquilon::api
