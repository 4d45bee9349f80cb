// A load, run: requests sent as a plan says, and what came of each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "bench/load_client.h"
#include "bench/load_requests.h"

namespace aquilon::bench {

// Closed loop: `clients` that each send their next request when they have an answer. Open loop:
// requests arrive whatever the server does, `rate` a second in the mean.
struct LoadPlan {
  std::size_t clients = 1;
  double rate = 0;           // 0: closed loop
  std::size_t requests = 0;  // as many are sent; 0: no limit
  double seconds = 0;        // none is sent after so long; 0: no limit. One of the two is set.
  std::uint64_t seed = 1;    // of the arrivals
};

struct MeasuredRequest {
  LoadRecord record;
  bool shared = false;  // its prompt began as others did
};

struct LoadProgress {
  std::size_t ended = 0, failed = 0, running = 0;
  double seconds = 0;  // since the begin
};

struct LoadResult {
  std::vector<MeasuredRequest> requests;  // in the order of their ends
  double seconds = 0;                     // from the first request to the last end
  std::size_t most_running = 0;           // together
  std::size_t given_up = 0;               // had no end when the run was interrupted
};

// Returns when all sent requests have ended, or soon after `keep_going` is false; it and `progress`
// are asked some times a second. A client whose request failed waits a moment. Threads: safe.
LoadResult run_load(const LoadPlan& plan, const LoadTarget& target, RequestMaker& maker,
                    const std::function<bool()>& keep_going,
                    const std::function<void(const LoadProgress&)>& progress);

}  // namespace aquilon::bench
