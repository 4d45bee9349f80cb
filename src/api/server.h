// The HTTP server: HTTP/1.1 with keep-alive and server-sent events on one network thread and a few
// workers. Idle connections cost no CPU and about 2 KiB.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/access_policy.h"
#include "base/result.h"
#include "chat/model_pool.h"

namespace aquilon::api {

// One answered request, for the log. No content, no query, no credentials.
struct AccessRecord {
  std::string method;
  std::string path;
  int status = 0;  // 499: the client left before the answer was complete
  double milliseconds = 0;
  std::string request_id;
};

struct ServerConfig {
  AccessConfig access;  // its bind_host is the address to listen on
  int port = 8080;      // 0: a free one
  std::uint64_t max_body_bytes = std::uint64_t{1} << 20;
  std::size_t max_connections = 4096;      // lowered to what the descriptor limit allows
  std::size_t max_unsent_bytes = 1 << 20;  // of events that a client has not read yet
  bool strict = false;                     // unknown fields of request bodies are refused
  double max_seconds = 0;                  // from a request's arrival to its end; 0: no limit
  int workers = 2;
  std::chrono::milliseconds idle_timeout{75'000};  // between requests
  std::chrono::milliseconds head_timeout{10'000};  // first byte to the end of the head
  std::chrono::milliseconds body_timeout{30'000};
  std::chrono::milliseconds write_timeout{30'000};  // without any progress
  std::chrono::milliseconds heartbeat{15'000};      // comment in a silent event stream
  std::chrono::milliseconds resume_time{30'000};    // for clients of resumable streams to come back
  std::chrono::milliseconds shutdown_grace{10'000};
  bool handle_signals = false;  // SIGINT and SIGTERM stop the server, a second one at once
  std::function<void(const AccessRecord&)> on_request;  // on the network thread
};

class Server {
 public:
  // Opens the port. Errors: kInvalidArgument for an address that is not one, or a public address
  // without an API key; kUnavailable when the port is in use or may not be opened.
  static Result<std::unique_ptr<Server>> listen(ServerConfig config);
  ~Server();

  int port() const;
  std::string url() const;  // "http://127.0.0.1:8080"

  // Serves the models until stopped, then: new connections are refused, answers in progress get the
  // grace time, then end with an error. Call once.
  void run(chat::ModelPool& models);
  // Threads: any.
  void stop();

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace aquilon::api
