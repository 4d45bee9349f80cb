#include <fmt/format.h>

#include <boost/json.hpp>

#include "bench/load_report.h"

namespace aquilon::bench {
namespace {

namespace json = boost::json;

constexpr double kMs = 1000;

void add_spread(json::object& out, const std::string& name, const Spread& spread) {
  const auto add = [&](const char* what, double value) {
    out[fmt::format("{}_{}_ms", what, name)] = value;
  };
  add("mean", spread.mean);
  add("median", spread.median);
  add("std", spread.std);
  add("p90", spread.p90);
  add("p95", spread.p95);
  add("p99", spread.p99);
  add("max", spread.max);
}

json::object case_json(const LoadCase& load) {
  const bool open = load.plan.rate > 0;
  json::object out{{"date", load.date},
                   {"backend", load.shape.route == LoadRoute::kChat ? "openai-chat" : "openai"},
                   {"base_url", load.url},
                   {"model_id", load.shape.model},
                   {"seed", load.plan.seed},
                   {"random_input_len", load.shape.prompt},
                   {"random_output_len", load.shape.generate},
                   {"random_prefix_len", load.shape.shared_prefix},
                   {"ignore_eos", load.shape.ignore_eos},
                   {"tokens_counted_by", load.counts_tokens ? "usage" : "pieces of text"}};
  out["request_rate"] = open ? json::value(load.plan.rate) : json::value("inf");
  out["burstiness"] = 1.0;
  out["max_concurrency"] = open ? json::value(nullptr) : json::value(load.plan.clients);
  return out;
}

void add_requests(json::object& out, const LoadSummary& summary) {
  json::array inputs, outputs, ttfts, itls, starts;
  for (const RequestTimes& times : summary.answered) {
    inputs.emplace_back(times.prompt_tokens);
    outputs.emplace_back(times.tokens);
    ttfts.emplace_back(times.ttft / kMs);
    starts.emplace_back(times.start);
    json::array gaps;
    for (const double gap : times.itl) gaps.emplace_back(gap / kMs);
    itls.emplace_back(std::move(gaps));
  }
  out["input_lens"] = std::move(inputs);
  out["output_lens"] = std::move(outputs);
  out["ttfts"] = std::move(ttfts);
  out["itls"] = std::move(itls);
  out["start_times"] = std::move(starts);
}

}  // namespace

std::string load_json(const LoadCase& load, const LoadSummary& summary, bool detailed) {
  json::object out = case_json(load);
  out["num_prompts"] = summary.answered.size() + summary.failed + summary.given_up;
  out["duration"] = summary.seconds;
  out["completed"] = summary.answered.size();
  out["failed"] = summary.failed;
  out["given_up"] = summary.given_up;
  out["cut_short"] = summary.cut_short;
  out["total_input_tokens"] = summary.prompt_tokens;
  out["total_cached_tokens"] = summary.cached_tokens;
  out["total_output_tokens"] = summary.answer_tokens;
  out["total_output_pieces"] = summary.pieces;
  out["request_throughput"] = summary.per_second(summary.answered.size());
  out["request_goodput"] =
      load.bounds.any() ? json::value(summary.per_second(summary.good)) : json::value(nullptr);
  out["output_throughput"] = summary.per_second(summary.answer_tokens);
  out["total_token_throughput"] = summary.per_second(summary.prompt_tokens + summary.answer_tokens);
  out["max_concurrent_requests"] = summary.most_running;
  add_spread(out, "ttft", summary.ttft);
  add_spread(out, "tpot", summary.tpot);
  add_spread(out, "itl", summary.itl);
  add_spread(out, "e2el", summary.e2el);
  if (load.shape.shared_prefix > 0) {
    const SharedWaits waits = shared_waits(summary);
    out["first_shared_ttft_ms"] = waits.first_ms;
    out["later_shared_ttft_ms"] = waits.later_ms;
  }
  json::object errors;
  for (const auto& [error, count] : summary.errors) errors[error] = count;
  out["error_counts"] = std::move(errors);
  if (detailed) add_requests(out, summary);
  return json::serialize(out);
}

std::string join_json(const LoadCase& load, const JoinPlan& plan,
                      const std::vector<JoinResult>& joins) {
  json::object out = case_json(load);
  out["max_concurrency"] = plan.streams;
  json::array rows;
  for (const JoinResult& join : joins)
    rows.push_back({{"normal_itl_ms", join.normal * kMs},
                    {"normal_p99_itl_ms", join.normal_p99 * kMs},
                    {"typical_itl_ms", join.typical * kMs},
                    {"max_itl_ms", join.largest * kMs},
                    {"max_itl_steps", join.normal > 0 ? join.largest / join.normal : 0},
                    {"ttft_ms", join.first * kMs},
                    {"input_len", join.prompt_tokens},
                    {"pieces", join.pieces}});
  out["joins"] = std::move(rows);
  return json::serialize(out);
}

}  // namespace aquilon::bench
