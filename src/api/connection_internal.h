// One client connection: reads requests one after the other, writes their answers, and notices at
// any moment that the client has left.
//
// The socket is non-blocking and only ever waited on for readiness, so that one timer with a
// deadline is all there is to wait for: wait() returns when signal() was called (bytes, room to
// write, news from the handler, stop) or the deadline has passed. A silent connection holds no
// buffers.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <variant>

#include "api/http_head.h"
#include "api/http_parser.h"
#include "api/http_writer_internal.h"
#include "api/idle_connections_internal.h"
#include "api/server.h"
#include "api/server_exchange_internal.h"
#include "api/service.h"
#include "api/transport_internal.h"

namespace aquilon::api {

class Connection;

// What the connections of a server share, on the network thread.
struct ServerShared {
  boost::asio::io_context& io;
  WorkerPools& workers;
  const ServerConfig& config;
  Service& service;
  std::set<Connection*> connections;  // the open ones
  IdleConnections idle;
  std::function<void()> on_empty;        // the last connection has gone
  std::array<char, 64 * 1024> scratch;   // where bytes arrive before they go to a connection
  std::shared_ptr<TlsContext> tls = {};  // of new connections; null: they are plain
  // While the server stops: connections without a request are closed from then on.
  std::chrono::steady_clock::time_point quiet_after{};
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // `spare`: there is no room but for requests that need no key, such as those of probes.
  Connection(boost::asio::ip::tcp::socket socket, ServerShared& shared, bool spare);
  ~Connection();

  void start();
  // The server is stopping: answers what still comes, ends when nothing does.
  void wake_to_stop() { signal(); }
  // The grace time is over: the answer in progress ends with an error.
  void end_answer();
  void close();

 private:
  using Clock = std::chrono::steady_clock;
  template <class T>
  using awaitable = boost::asio::awaitable<T>;

  static awaitable<void> run(std::shared_ptr<Connection> self);
  // One request and its answer; false when the connection is over.
  awaitable<bool> serve_one();
  awaitable<bool> read_head(HttpParser& parser, RequestHead& head);
  awaitable<bool> wait_for_head(std::string& bytes);
  awaitable<bool> read_body(HttpParser& parser, RequestHead& head);
  awaitable<bool> answer(const Route& route, RequestHead& head);
  awaitable<bool> wait_for_answer(ServerExchange& exchange);
  awaitable<bool> write_whole(const HttpResponse& response, ResponseFraming framing,
                              bool with_body);
  awaitable<bool> write_stream(ServerExchange& exchange, ResponseFraming framing);
  // Answers with an error and ends the connection without losing the answer to a reset.
  awaitable<bool> refuse(const ApiError& error);
  awaitable<bool> refuse(const HttpResponse& response);
  // Its sending side is closed, which a client that has left looks like as well.
  awaitable<void> tell_closed();
  awaitable<void> linger();
  awaitable<bool> write_all(std::string_view bytes);
  awaitable<bool> wait(Clock::time_point deadline);

  // Runs `work`, of this request alone; false: it failed.
  bool contain(const std::function<void()>& work);
  std::variant<const Route*, HttpResponse> admit(RequestHead& head);
  Refusal parse_head(HttpParser& parser, const std::string& bytes, RequestHead& head);
  Refusal take_body(HttpParser& parser, std::uint64_t limit, std::size_t& used);

  // The client is to move next, from now on.
  void wait_for_client() {
    if (socket_.is_open()) idle_.take(shared_.idle, *this, known_);
  }
  bool may_keep(const RequestHead& head) const {
    return head.keep_alive && !spare_ && !shared_.service.stopping();
  }
  void leave();

  void signal();
  void arm_read();
  void arm_write();
  void on_readable();
  void log(int status);

  boost::asio::ip::tcp::socket socket_;
  Transport transport_;
  ServerShared& shared_;
  boost::asio::steady_timer timer_;
  bool signalled_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool peer_closed_ = false;
  bool served_any_ = false;
  const bool spare_;
  bool known_ = false;  // it has shown a key
  IdleConnections::Place idle_;
  std::string inbox_;  // arrived, not yet used
  std::shared_ptr<ServerExchange> exchange_;
  std::vector<Header> common_headers_;
  std::shared_ptr<const Account> account_;  // of the request being answered
  AccessRecord record_;
  std::shared_ptr<AnswerOutcome> outcome_;  // of the request that is answered
  Clock::time_point begun_;
};

}  // namespace aquilon::api
