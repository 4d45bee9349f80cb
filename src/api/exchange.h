// One request being answered, as a handler sees it: the way back to the client, without sockets.
#pragma once

#include <chrono>
#include <functional>
#include <string_view>
#include <vector>

#include "api/api_error.h"
#include "api/http_message.h"

namespace aquilon::api {

enum class AbandonReason {
  kClientGone,  // nobody reads any more: nothing sent from here on matters
  kShutdown,    // the grace time of a stopping server is over: send an ending now
  kFailed,      // an invariant of ours broke in this request: send an error now, or leave it
};

// Threads: post() and those that offload from any; everything else on the connection's thread only,
// that is in the handler and in what post() runs. After the answer is complete or the client gone,
// every call is harmless and has no effect.
class Exchange {
 public:
  virtual ~Exchange() = default;

  // Runs `task` on the connection's thread, in order.
  virtual void post(std::function<void()> task) = 0;
  // Runs `work` on a worker: parsing, templates, anything that takes longer than some microseconds.
  virtual void offload(std::function<void()> work) = 0;
  // The same for what may take some tenths of a second, as compiling a constraint: one at a time of
  // each tenant, and nobody's offload() waits for it.
  virtual void offload_long(std::function<void()> work) = 0;

  // Runs `task` on the connection's thread after `time`, unless what it returns is called before.
  virtual std::function<void()> after(std::chrono::milliseconds time,
                                      std::function<void()> task) = 0;

  // The whole answer.
  virtual void respond(HttpResponse response) = 0;

  // An answer in server-sent events: head, events as they come, end. What the client does not read
  // in time is bounded; beyond the bound it counts as gone. `headers`: beside the usual ones.
  virtual void begin_events(std::vector<Header> headers) = 0;
  // "id: <id>\nevent: <name>\ndata: <data>\n\n", without the lines of what is empty.
  virtual void send_event(std::string_view data, std::string_view name = {},
                          std::string_view id = {}) = 0;
  virtual void end_events() = 0;

  // Called at most once, if the exchange is abandoned before its answer is complete.
  virtual void on_abandoned(std::function<void(AbandonReason)> callback) = 0;
};

}  // namespace aquilon::api
