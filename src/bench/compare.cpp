#include "bench/compare.h"

#include <algorithm>

namespace aquilon::bench {
namespace {

struct Pair {
  Sample a, b;
  std::string placement;
};

bool has_common_test(const Speeds& a, const Speeds& b) {
  return std::any_of(a.begin(), a.end(), [&](const auto& test) { return b.contains(test.first); });
}

std::string names(const Speeds& speeds) {
  std::string out;
  for (const auto& [name, speed] : speeds) out += (out.empty() ? "" : ", ") + name;
  return out;
}

Result<Sample> take_sample(const Sampler& sampler, std::string_view side) {
  auto sample = sampler();
  if (!sample.ok()) return Error(sample.error()).with_context(side);
  return sample;
}

std::vector<Comparison> judge(const std::vector<Pair>& pairs) {
  struct Series {
    std::vector<double> a, b, ratio;
  };
  std::map<std::pair<std::string, std::string>, Series> all;
  for (const Pair& pair : pairs)
    for (const auto& [test, speed] : pair.a.speeds) {
      const auto other = pair.b.speeds.find(test);
      if (other == pair.b.speeds.end()) continue;
      Series& series = all[{test, pair.placement}];
      series.a.push_back(speed);
      series.b.push_back(other->second);
      series.ratio.push_back(speed / other->second);
    }
  std::vector<Comparison> out;
  for (auto& [key, series] : all)
    out.push_back({key.first, key.second, summarize(std::move(series.a)),
                   summarize(std::move(series.b)), summarize(std::move(series.ratio))});
  return out;
}

}  // namespace

Result<Compared> compare(const Sampler& a, const Sampler& b, const PlacementLabel& placement,
                         const CompareOptions& options, const PairProgress& progress) {
  Compared out;
  std::vector<Pair> pairs;
  std::string before = placement();
  while (out.accepted < options.pairs && out.tried < options.most_pairs) {
    Pair pair;
    pair.placement = before;
    pair.a = AQ_TRY(take_sample(a, "A"));
    const std::string between = placement();
    pair.b = AQ_TRY(take_sample(b, "B"));
    before = placement();
    ++out.tried;
    if (!has_common_test(pair.a.speeds, pair.b.speeds))
      return make_error(Code::kInvalidArgument, "A measures {}, B {}: nothing to compare",
                        names(pair.a.speeds), names(pair.b.speeds));
    std::string verdict = pair.placement;
    if (between != pair.placement || before != pair.placement || pair.placement == "MOVED") {
      verdict = "moved";
      ++out.moved;
    } else if (std::max(pair.a.foreign_share, pair.b.foreign_share) > options.most_foreign) {
      verdict = "disturbed";
      ++out.disturbed;
    } else {
      ++out.accepted;
      pairs.push_back(std::move(pair));
    }
    progress(out.tried, verdict);
  }
  out.tests = judge(pairs);
  return out;
}

}  // namespace aquilon::bench
