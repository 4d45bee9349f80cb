// Two programs measured in turn, A B A B, and judged by pairs: a pair counts only if the machine's
// processors were placed alike before, between and after, and others left them alone.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/speeds.h"
#include "bench/statistics.h"

namespace aquilon::bench {

// One run of one program. Larger is better in every speed.
struct Sample {
  Speeds speeds;
  double foreign_share = 0;  // of the processors' time, that others used
};

struct CompareOptions {
  int pairs = 7;              // accepted ones wanted
  int most_pairs = 21;        // tried
  double most_foreign = 0.1;  // of a sample that counts
};

// One test at one placement.
struct Comparison {
  std::string test;
  std::string placement;
  Summary a, b;   // speeds
  Summary ratio;  // a / b, pair by pair
};

struct Compared {
  std::vector<Comparison> tests;  // those that both programs ran
  int tried = 0;
  int accepted = 0;
  int moved = 0;      // discarded: placement changed or was unclear
  int disturbed = 0;  // discarded: others used the processors
};

using Sampler = std::function<Result<Sample>()>;
using PlacementLabel = std::function<std::string()>;
// Called after each pair with what became of it: "ONE-CCD", "moved", "disturbed".
using PairProgress = std::function<void(int tried, std::string_view verdict)>;

// Errors: those of the samplers, after "A: " or "B: "; kInvalidArgument when the two have no test
// in common.
Result<Compared> compare(const Sampler& a, const Sampler& b, const PlacementLabel& placement,
                         const CompareOptions& options, const PairProgress& progress);

}  // namespace aquilon::bench
