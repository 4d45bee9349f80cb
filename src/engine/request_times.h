// When what happened to one request, and what that adds to the engine's metrics.
#pragma once

#include <chrono>

#include "engine/engine_metrics.h"
#include "engine/request.h"

namespace aquilon::engine {

// Threads: one user at a time.
class RequestTimes {
 public:
  using Clock = std::chrono::steady_clock;

  // `metrics` may be null. `waited`: seconds since the request came.
  RequestTimes(EngineMetrics* metrics, double waited);

  // A place was free; the first time counts.
  void begin(const Usage& usage);
  // Tokens of an answer came.
  void take_tokens(std::size_t count);
  // The last event: all is over.
  void end(const Request& request, const Usage& usage, Ending ending);

 private:
  void observe_request(const Request& request, const Usage& usage, Clock::time_point now) const;

  EngineMetrics* metrics_;
  Clock::time_point came_;
  Clock::time_point begun_{};  // epoch: not yet
  Clock::time_point first_{};
  Clock::time_point last_{};
};

}  // namespace aquilon::engine
