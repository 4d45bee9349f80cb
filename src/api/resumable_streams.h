// Streams that outlive their connection. A request that asks for it ("x-stream-resume: true") gets
// an `id:` with each event; when its connection is lost, its generation goes on for a short time,
// its events are kept, and a request with `Last-Event-ID` gets those that it has not seen. It must
// be of the same key and go to the same path: a stream is its owner's, whoever knows its id.
//
// Threads: all of it on the connection's thread, like Exchange.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "api/exchange.h"
#include "api/http_message.h"

namespace aquilon::api {

class ResumableStream;

class ResumableStreams {
 public:
  // What is kept of one stream, and how long after its connection was lost.
  struct Limits {
    std::size_t max_bytes = 1 << 20;
    std::size_t max_streams = 256;
    std::chrono::milliseconds wait{30'000};
  };

  void set_limits(const Limits& limits) { limits_ = limits; }

  // An exchange that keeps what goes through `exchange` under the request's id; the same exchange
  // where too many streams are kept already.
  std::shared_ptr<Exchange> keep(const HttpRequest& request, std::shared_ptr<Exchange> exchange);

  // Goes on with a stream on another connection, behind the event that the request names as its
  // last ("<id>.<number>"). False: there is no such stream any more, it is another key's or path's,
  // or some of what was missed is not kept.
  bool resume(const HttpRequest& request, const std::shared_ptr<Exchange>& exchange);

  // Ends the streams that wait for their client; from here on none waits. When the server stops.
  void stop_waiting();

 private:
  friend class ResumableStream;

  Limits limits_;
  bool stopping_ = false;
  std::map<std::string, std::shared_ptr<ResumableStream>, std::less<>> streams_;
};

}  // namespace aquilon::api
