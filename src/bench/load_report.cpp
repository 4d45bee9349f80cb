#include "bench/load_report.h"

#include <fmt/format.h>

namespace aquilon::bench {
namespace {

constexpr double kMs = 1000;

std::string goodput_text(const GoodputBounds& bounds) {
  std::string text;
  const auto add = [&](const char* name, double ms) {
    if (ms > 0) text += fmt::format("{}{} {:g} ms", text.empty() ? "" : ", ", name, ms);
  };
  add("TTFT", bounds.ttft_ms);
  add("TPOT", bounds.tpot_ms);
  add("E2EL", bounds.e2el_ms);
  return text;
}

std::vector<std::pair<std::string, std::string>> case_facts(const LoadCase& load) {
  const RequestShape& shape = load.shape;
  std::vector<std::pair<std::string, std::string>> facts = {
      {"server",
       load.url + (shape.route == LoadRoute::kChat ? "/v1/chat/completions" : "/v1/completions")},
      {"model", shape.model},
      {"seed", std::to_string(load.plan.seed)}};
  if (!shape.ignore_eos) facts.emplace_back("answers", "may end early: no ignore_eos here");
  if (!load.counts_tokens) facts.emplace_back("tokens", "pieces of text: the server counts none");
  return facts;
}

Table times_table(const std::vector<LoadCase>& loads, const std::vector<LoadSummary>& summaries) {
  Table table{.key = "times",
              .title =
                  "Milliseconds: TTFT to the first text, TPOT for each token after it, ITL between "
                  "pieces of text, E2EL to the end",
              .columns = {{"load", "load"},
                          {"measure", ""},
                          {"mean", "mean", 1},
                          {"median", "median", 1},
                          {"p90", "p90", 1},
                          {"p99", "p99", 1},
                          {"max", "max", 1}}};
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    const LoadSummary& s = summaries[i];
    const std::pair<const char*, const Spread*> measures[] = {
        {"TTFT", &s.ttft}, {"TPOT", &s.tpot}, {"ITL", &s.itl}, {"E2EL", &s.e2el}};
    for (const auto& [name, spread] : measures)
      table.rows.push_back({load_name(loads[i].plan), name, spread->mean, spread->median,
                            spread->p90, spread->p99, spread->max});
  }
  return table;
}

Table rates_table(const std::vector<LoadCase>& loads, const std::vector<LoadSummary>& summaries) {
  const bool goodput = loads[0].bounds.any();
  Table table{.key = "rates",
              .title = goodput ? "Good: " + goodput_text(loads[0].bounds) : "",
              .columns = {{"load", "load"},
                          {"completed", "answered", 0},
                          {"failed", "failed", 0},
                          {"input", "prompt tokens", 1},
                          {"output", "answer tokens", 1},
                          {"pieces", "pieces", 1},
                          {"cut_short", "cut short", 0},
                          {"duration", "seconds", 1},
                          {"request_throughput", "requests/s", 3},
                          {"output_throughput", "tokens/s", 1}},
              .chart = {Chart::Kind::kBars, 0, 9}};
  if (goodput) table.columns.push_back({"request_goodput", "good/s", 3});
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    const LoadSummary& s = summaries[i];
    const std::size_t n = s.answered.size();
    const auto each = [&](std::size_t all) {
      return n > 0 ? static_cast<double>(all) / static_cast<double>(n) : 0;
    };
    table.rows.push_back({load_name(loads[i].plan), n, s.failed, each(s.prompt_tokens),
                          each(s.answer_tokens), each(s.pieces), s.cut_short, s.seconds,
                          s.per_second(n), s.per_second(s.answer_tokens)});
    if (goodput) table.rows.back().emplace_back(s.per_second(s.good));
  }
  return table;
}

Table shared_table(const std::vector<LoadCase>& loads, const std::vector<LoadSummary>& summaries) {
  Table table{.key = "shared",
              .title = fmt::format("Shared beginning of {} tokens: milliseconds to the first text",
                                   loads[0].shape.shared_prefix),
              .columns = {{"load", "load"},
                          {"first_ms", "first request", 1},
                          {"later_ms", "later, median", 1},
                          {"ratio", "ratio", 1},
                          {"cached", "cached tokens", 0}}};
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    const SharedWaits waits = shared_waits(summaries[i]);
    table.rows.push_back({load_name(loads[i].plan), waits.first_ms, waits.later_ms,
                          waits.later_ms > 0 ? waits.first_ms / waits.later_ms : 0,
                          summaries[i].cached_tokens});
  }
  return table;
}

Table error_table(const std::vector<LoadCase>& loads, const std::vector<LoadSummary>& summaries) {
  Table table{.key = "errors",
              .title = "Failed",
              .columns = {{"load", "load"}, {"count", "times", 0}, {"error", "why"}}};
  for (std::size_t i = 0; i < summaries.size(); ++i)
    for (const auto& [error, count] : summaries[i].errors)
      table.rows.push_back({load_name(loads[i].plan), count, error});
  return table;
}

}  // namespace

std::string load_name(const LoadPlan& plan) {
  if (plan.rate > 0) return fmt::format("{:g} a second", plan.rate);
  return fmt::format("{} client{}", plan.clients, plan.clients == 1 ? "" : "s");
}

Report load_report(const std::vector<LoadCase>& loads, const std::vector<LoadSummary>& summaries) {
  Report report{.title = "Load of a server", .facts = case_facts(loads[0])};
  report.tables.push_back(times_table(loads, summaries));
  report.tables.push_back(rates_table(loads, summaries));
  if (loads[0].shape.shared_prefix > 0) report.tables.push_back(shared_table(loads, summaries));
  if (Table errors = error_table(loads, summaries); !errors.rows.empty())
    report.tables.push_back(std::move(errors));
  return report;
}

Report join_report(const LoadCase& load, const JoinPlan& plan,
                   const std::vector<JoinResult>& joins) {
  Report report{.title = fmt::format("A long prompt joins {} streams", plan.streams),
                .facts = case_facts(load)};
  Table table{.key = "joins",
              .title =
                  "Milliseconds between pieces of the streams' text before it comes (normal) and "
                  "while it waits",
              .columns = {{"input_len", "prompt tokens", 0},
                          {"normal_itl_ms", "normal", 1},
                          {"normal_p99_itl_ms", "p99", 1},
                          {"typical_itl_ms", "meanwhile", 1},
                          {"max_itl_ms", "largest", 1},
                          {"max_itl_steps", "normal steps", 2},
                          {"ttft_ms", "its first text", 1}}};
  for (const JoinResult& join : joins)
    table.rows.push_back({join.prompt_tokens, join.normal * kMs, join.normal_p99 * kMs,
                          join.typical * kMs, join.largest * kMs,
                          join.normal > 0 ? join.largest / join.normal : 0, join.first * kMs});
  report.tables.push_back(std::move(table));
  return report;
}

}  // namespace aquilon::bench
