// A long prompt joins streams that run: how long they stand still, and how long it waits.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "base/result.h"
#include "bench/load_client.h"
#include "bench/load_requests.h"

namespace aquilon::bench {

struct JoinPlan {
  std::size_t streams = 3;
  std::size_t settle = 32;  // pieces of text that each stream has before the long prompt comes
};

// Seconds. Pieces of a stream within a millisecond count as one.
struct JoinResult {
  double normal = 0;  // median from one piece of a stream to the next, before
  double normal_p99 = 0;
  double largest = 0;             // of these between the long prompt's sending and its first text
  double typical = 0;             // their median
  double first = 0;               // from the long prompt's sending to its first text
  std::size_t prompt_tokens = 0;  // of the long prompt, as the server counts; 0: it does not tell
  std::size_t pieces = 0;         // of the streams while it waited
};

// Runs the streams of `running` until each has settled, sends one request of `joining`, and closes
// the streams when it has its first text and each of them went on once more.
// Errors: those of LoadRecord; kUnavailable when a stream ends first; kCancelled. Threads: safe.
Result<JoinResult> run_join(const JoinPlan& plan, const LoadTarget& target, RequestMaker& running,
                            RequestMaker& joining, const std::function<bool()>& keep_going);

// What the times of the streams' pieces say; `sent` and `first` are the long prompt's.
JoinResult join_result(const std::vector<std::vector<double>>& streams, double sent, double first);

}  // namespace aquilon::bench
