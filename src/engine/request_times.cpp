#include "engine/request_times.h"

#include <algorithm>

namespace aquilon::engine {
namespace {

using Clock = RequestTimes::Clock;

double seconds(Clock::time_point from, Clock::time_point to) {
  return std::max(0.0, std::chrono::duration<double>(to - from).count());
}

constexpr Clock::time_point kNever{};

}  // namespace

RequestTimes::RequestTimes(EngineMetrics* metrics, double waited)
    : metrics_(metrics),
      came_(Clock::now() -
            std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(waited))) {}

void RequestTimes::begin(const Usage& usage) {
  if (!metrics_ || begun_ != kNever) return;
  begun_ = Clock::now();
  metrics_->queued.observe(seconds(came_, begun_));
  metrics_->prompt_tokens.add(static_cast<std::uint64_t>(usage.prompt_tokens));
  metrics_->cached_tokens.add(static_cast<std::uint64_t>(usage.cached_tokens));
}

void RequestTimes::take_tokens(std::size_t count) {
  if (!metrics_ || count == 0) return;
  const Clock::time_point now = Clock::now();
  metrics_->generation_tokens.add(count);
  if (first_ == kNever) {
    first_ = now;
    metrics_->first_token.observe(seconds(came_, now));
  } else {
    metrics_->between_tokens.observe(seconds(last_, now));
  }
  last_ = now;
}

void RequestTimes::end(const Request& request, const Usage& usage, Ending ending) {
  if (!metrics_) return;
  metrics_->endings[static_cast<std::size_t>(ending)].add();
  metrics_->guessed_tokens.add(static_cast<std::uint64_t>(usage.guessed_tokens));
  metrics_->accepted_tokens.add(static_cast<std::uint64_t>(usage.accepted_tokens));
  if (ending == Ending::kStop || ending == Ending::kLength)
    observe_request(request, usage, Clock::now());
}

void RequestTimes::observe_request(const Request& request, const Usage& usage,
                                   Clock::time_point now) const {
  metrics_->whole.observe(seconds(came_, now));
  metrics_->inference.observe(seconds(begun_, now));
  metrics_->request_prompt.observe(usage.prompt_tokens);
  metrics_->request_generation.observe(usage.completion_tokens);
  metrics_->request_max_tokens.observe(request.max_tokens);
  metrics_->request_choices.observe(request.n);
  if (first_ == kNever) return;  // an embedding
  metrics_->prefill.observe(seconds(begun_, first_));
  metrics_->decode.observe(seconds(first_, last_));
  if (usage.completion_tokens > 1)
    metrics_->per_token.observe(seconds(first_, last_) / (usage.completion_tokens - 1));
}

}  // namespace aquilon::engine
