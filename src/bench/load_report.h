// The result of a load for people and for programs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/join_run.h"
#include "bench/load_summary.h"
#include "bench/report.h"

namespace aquilon::bench {

// What was asked of whom.
struct LoadCase {
  std::string url;
  RequestShape shape;
  LoadPlan plan;
  GoodputBounds bounds;
  std::string date;           // "20261126-141500"
  bool counts_tokens = true;  // the server tells usage
};

// One object, on one line, with the names of `vllm bench serve`; what vLLM has no name for besides.
//   detailed  the single requests too (input_lens, output_lens, ttfts, itls, start_times)
std::string load_json(const LoadCase& load, const LoadSummary& summary, bool detailed);
std::string join_json(const LoadCase& load, const JoinPlan& plan,
                      const std::vector<JoinResult>& joins);

// A row a load. `summaries` and `loads` go together.
Report load_report(const std::vector<LoadCase>& loads, const std::vector<LoadSummary>& summaries);
Report join_report(const LoadCase& load, const JoinPlan& plan,
                   const std::vector<JoinResult>& joins);

// "2 clients", "1.5 a second".
std::string load_name(const LoadPlan& plan);

}  // namespace aquilon::bench
