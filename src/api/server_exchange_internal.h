// The server's Exchange: a mailbox between a handler and the connection that writes its answer out.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/exchange.h"
#include "api/fair_pool.h"

namespace aquilon::api {

// Keeps the io_context running as long as anybody holds it.
class ServerExchange final : public Exchange, public std::enable_shared_from_this<ServerExchange> {
 public:
  // `wake` tells the connection that there is something new; `id` is that of the request.
  ServerExchange(boost::asio::io_context& io, WorkerPools& workers, std::uint64_t tenant,
                 std::size_t max_unsent_bytes, std::function<void()> wake, std::string id = {});

  void post(std::function<void()> task) override;
  void offload(std::function<void()> work) override;
  void offload_long(std::function<void()> work) override;
  std::function<void()> after(std::chrono::milliseconds time, std::function<void()> task) override;
  void respond(HttpResponse response) override;
  void begin_events(std::vector<Header> headers) override;
  void send_event(std::string_view data, std::string_view name, std::string_view id) override;
  void end_events() override;
  void on_abandoned(std::function<void(AbandonReason)> callback) override;

  // For the connection, on its thread.
  bool answered() const { return response_.has_value(); }
  HttpResponse& response() { return *response_; }
  bool is_stream() const { return stream_; }
  bool ended() const { return ended_; }
  // The client let more than max_unsent_bytes pile up.
  bool overflown() const { return overflown_; }
  // An invariant of ours broke in work on it.
  bool failed() const { return failed_; }
  std::string take_unsent() { return std::exchange(unsent_, {}); }
  void abandon(AbandonReason reason);
  // The connection wants to hear no more.
  void detach();
  // Runs `work`, of this request alone: where it fails, the request is answered with an error.
  void contain(const std::function<void()>& work);

 private:
  void wake();
  void fail();
  std::function<void()> contained(std::function<void()> work);

  boost::asio::io_context& io_;
  WorkerPools& workers_;
  const std::uint64_t tenant_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::size_t max_unsent_bytes_;
  std::function<void()> wake_;
  const std::string id_;
  std::function<void(AbandonReason)> on_abandoned_;
  std::optional<HttpResponse> response_;
  std::string unsent_;
  bool stream_ = false;
  bool ended_ = false;
  bool overflown_ = false;
  bool failed_ = false;
};

}  // namespace aquilon::api
