// What a load's requests say together: waiting times, throughput, goodput.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/load_run.h"

namespace aquilon::bench {

// In the samples' unit; all zero for no samples. Quantiles lie between samples, as numpy's do.
struct Spread {
  double mean = 0, median = 0, std = 0, p90 = 0, p95 = 0, p99 = 0, max = 0;
};
Spread spread_of(std::vector<double> samples);

// A request is good if it keeps every bound that is set.
struct GoodputBounds {
  double ttft_ms = 0, tpot_ms = 0, e2el_ms = 0;  // 0: none
  bool any() const { return ttft_ms > 0 || tpot_ms > 0 || e2el_ms > 0; }
};

// "ttft:2000 tpot:100", with blanks or commas between. Errors: kInvalidArgument.
Result<GoodputBounds> parse_goodput(std::string_view text);

// One answered request, in milliseconds.
struct RequestTimes {
  double ttft = 0;          // until the first text
  double tpot = 0;          // for each token after the first; 0 for one token
  double e2el = 0;          // until the end
  std::vector<double> itl;  // from each piece of text to the next
  std::size_t tokens = 0;   // of the answer, as the usage tells, else pieces of text
  std::size_t prompt_tokens = 0;
  double start = 0;  // seconds since the load began
  bool shared = false;
};

struct LoadSummary {
  std::vector<RequestTimes> answered;         // in the order of sending
  std::map<std::string, std::size_t> errors;  // how often each
  std::size_t failed = 0;
  double seconds = 0;
  std::size_t most_running = 0;
  std::size_t given_up = 0;
  std::size_t prompt_tokens = 0, cached_tokens = 0, answer_tokens = 0, pieces = 0;
  std::size_t cut_short = 0;  // answers that ended before their length
  std::size_t good = 0;       // of those answered
  Spread ttft, tpot, itl, e2el;

  double per_second(std::size_t count) const;
};

LoadSummary summarize_load(const LoadResult& result, const GoodputBounds& bounds);

// Of requests with a shared beginning: the first's wait, and the median of those that were sent
// after it had its first text; 0 where there are none.
struct SharedWaits {
  double first_ms = 0, later_ms = 0;
};
SharedWaits shared_waits(const LoadSummary& summary);

}  // namespace aquilon::bench
