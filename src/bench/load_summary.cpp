#include "bench/load_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "bench/statistics.h"

namespace aquilon::bench {
namespace {

constexpr double kMs = 1000;

double quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

RequestTimes times_of(const MeasuredRequest& request, double begin) {
  const LoadRecord& record = request.record;
  const AnswerStream& answer = record.answer;
  RequestTimes times;
  times.start = record.sent - begin;
  times.shared = request.shared;
  times.tokens = answer.completion_tokens > 0 ? answer.completion_tokens : answer.pieces.size();
  times.prompt_tokens = answer.prompt_tokens;
  times.ttft = (answer.pieces.front() - record.sent) * kMs;
  times.e2el = (record.ended - record.sent) * kMs;
  for (std::size_t i = 1; i < answer.pieces.size(); ++i)
    times.itl.push_back((answer.pieces[i] - answer.pieces[i - 1]) * kMs);
  if (times.tokens > 1)
    times.tpot = (answer.pieces.back() - answer.pieces.front()) * kMs /
                 static_cast<double>(times.tokens - 1);
  return times;
}

bool is_good(const RequestTimes& times, const GoodputBounds& bounds) {
  const auto keeps = [](double value, double bound) { return bound == 0 || value <= bound; };
  return keeps(times.ttft, bounds.ttft_ms) && keeps(times.tpot, bounds.tpot_ms) &&
         keeps(times.e2el, bounds.e2el_ms);
}

void set_spreads(LoadSummary& summary) {
  std::vector<double> ttft, tpot, itl, e2el;
  for (const RequestTimes& times : summary.answered) {
    ttft.push_back(times.ttft);
    e2el.push_back(times.e2el);
    if (times.tokens > 1) tpot.push_back(times.tpot);
    itl.insert(itl.end(), times.itl.begin(), times.itl.end());
  }
  summary.ttft = spread_of(std::move(ttft));
  summary.tpot = spread_of(std::move(tpot));
  summary.itl = spread_of(std::move(itl));
  summary.e2el = spread_of(std::move(e2el));
}

}  // namespace

Spread spread_of(std::vector<double> samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  const auto n = static_cast<double>(samples.size());
  const double mean = std::accumulate(samples.begin(), samples.end(), 0.0) / n;
  double squares = 0;
  for (const double sample : samples) squares += (sample - mean) * (sample - mean);
  return {.mean = mean,
          .median = quantile(samples, 0.5),
          .std = std::sqrt(squares / n),
          .p90 = quantile(samples, 0.9),
          .p95 = quantile(samples, 0.95),
          .p99 = quantile(samples, 0.99),
          .max = samples.back()};
}

Result<GoodputBounds> parse_goodput(std::string_view text) {
  GoodputBounds bounds;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find_first_of(", "));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (word.empty()) continue;
    const std::size_t colon = word.find(':');
    const std::string_view name = word.substr(0, colon);
    const std::string_view number = colon < word.size() ? word.substr(colon + 1) : "";
    double* const bound = name == "ttft"   ? &bounds.ttft_ms
                          : name == "tpot" ? &bounds.tpot_ms
                          : name == "e2el" ? &bounds.e2el_ms
                                           : nullptr;
    double value = 0;
    const auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (bound == nullptr || code != std::errc() || end != number.data() + number.size() ||
        !(value > 0) || !std::isfinite(value))
      return make_error(Code::kInvalidArgument,
                        "--goodput takes ttft:MS, tpot:MS and e2el:MS, not '{}'", word);
    *bound = value;
  }
  return bounds;
}

double LoadSummary::per_second(std::size_t count) const {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

LoadSummary summarize_load(const LoadResult& result, const GoodputBounds& bounds) {
  LoadSummary summary;
  summary.seconds = result.seconds;
  summary.most_running = result.most_running;
  summary.given_up = result.given_up;
  double begin = 0;
  for (const MeasuredRequest& request : result.requests)
    if (begin == 0 || request.record.sent < begin) begin = request.record.sent;
  const auto failed = [&](const std::string& why) {
    ++summary.errors[why];
    ++summary.failed;
  };
  for (const MeasuredRequest& request : result.requests) {
    const AnswerStream& answer = request.record.answer;
    if (request.record.error) {
      failed(request.record.error->message);
    } else if (answer.pieces.empty()) {
      failed("an answer without any text");
    } else {
      summary.answered.push_back(times_of(request, begin));
      summary.cut_short += answer.finish_reason != "length";
      summary.prompt_tokens += answer.prompt_tokens;
      summary.cached_tokens += answer.cached_tokens;
      summary.answer_tokens += summary.answered.back().tokens;
      summary.pieces += answer.pieces.size();
      summary.good += is_good(summary.answered.back(), bounds);
    }
  }
  std::stable_sort(summary.answered.begin(), summary.answered.end(),
                   [](const auto& a, const auto& b) { return a.start < b.start; });
  set_spreads(summary);
  return summary;
}

SharedWaits shared_waits(const LoadSummary& summary) {
  const auto first = std::find_if(summary.answered.begin(), summary.answered.end(),
                                  [](const RequestTimes& times) { return times.shared; });
  if (first == summary.answered.end()) return {};
  std::vector<double> later;
  for (const RequestTimes& times : summary.answered)
    if (times.shared && times.start > first->start + first->ttft / kMs) later.push_back(times.ttft);
  return {first->ttft, summarize(std::move(later)).median};
}

}  // namespace aquilon::bench
