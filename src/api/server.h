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
#include "api/http_message.h"
#include "api/tls.h"
#include "base/result.h"
#include "chat/model_pool.h"

namespace aquilon::api {

// One answered request, for the log. No content, no query, no credentials: what a client put of a
// key into method or path is masked.
struct AccessRecord {
  std::string method;
  std::string path;
  int status = 0;  // 499: the client left before the answer was complete
  double milliseconds = 0;
  std::string route = {};     // its pattern; empty: there was none
  std::string request_id;     // what the client got as x-request-id
  std::string id;             // the server's own
  std::string key = {};       // the name of the key, never its text; empty: there was none
  std::string trace_id = {};  // of its traceparent; empty: it had none
  std::string span_id = {};
  AnswerOutcome outcome = {};  // all empty where no model was asked
};

struct ServerConfig {
  AccessConfig access;  // its bind_host is the address to listen on
  int port = 8080;      // 0: a free one
  std::uint64_t max_body_bytes = std::uint64_t{1} << 20;
  // Lowered to what the descriptor limit allows. A further one takes the place of an idle one.
  std::size_t max_connections = 4096;
  std::size_t max_unsent_bytes = 1 << 20;  // of events that a client has not read yet
  // Of all bodies that are arriving; what goes beyond gets a 503.
  std::size_t max_arriving_bytes = std::size_t{256} << 20;
  bool strict = false;      // unknown fields of request bodies are refused
  double max_seconds = 0;   // from a request's arrival to its end; 0: no limit
  double longest_step = 0;  // seconds of an engine's step, for /livez; 0: no limit
  int workers = 2;          // threads for quick work, and as many for compiling constraints
  std::chrono::milliseconds idle_timeout{75'000};  // between requests
  std::chrono::milliseconds head_timeout{10'000};  // first byte to the end of the head
  std::chrono::milliseconds body_timeout{30'000};
  std::chrono::milliseconds write_timeout{30'000};  // without any progress
  std::chrono::milliseconds heartbeat{15'000};      // comment in a silent event stream
  std::chrono::milliseconds resume_time{30'000};    // for clients of resumable streams to come back
  std::chrono::milliseconds shutdown_grace{10'000};
  std::chrono::milliseconds quiet_time{1'000};  // of a stopping server, for requests on their way
  bool handle_signals = false;      // SIGINT and SIGTERM stop the server, a second one at once
  std::function<void()> on_hangup;  // SIGHUP, on the network thread; with handle_signals alone
  std::function<void()> on_start;   // it serves, and watches signals from here on
  std::function<void()> on_stop;    // the stop begins; on the network thread
  std::function<void(const AccessRecord&)> on_request;  // on the network thread
  TlsFiles tls;                                         // without a certificate: plain HTTP
  int listen_descriptor = -1;  // a socket that listens already, instead of bind_host and port
};

class Server {
 public:
  // Opens the port. Errors: kInvalidArgument for an address that is not one, a public address
  // without an API key, or a socket that does not listen; kUnavailable when the port is in use or
  // may not be opened; those of TlsContext::load.
  static Result<std::unique_ptr<Server>> listen(ServerConfig config);
  ~Server();

  int port() const;
  std::string url() const;  // "http://127.0.0.1:8080"

  // Serves the models until stopped, then: new connections are refused, answers in progress get the
  // grace time, then end with an error. Call once.
  void run(chat::ModelPool& models);
  // Threads: any.
  void stop();
  // Takes over who has access, the limits of connections and bodies, the grace time, the strictness
  // and, read again, the certificate; requests that have begun keep what they had. The rest stays
  // as it was. Within on_hangup. Errors: those of TlsContext::load; then nothing has changed.
  Status apply(const ServerConfig& config);
  // How often the network thread has been seen at work: it moves on soon after each call.
  // Threads: any.
  std::uint64_t heartbeat();

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace aquilon::api
