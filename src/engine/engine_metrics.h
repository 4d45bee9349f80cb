// What an engine counts. Outlives it, so that a model that is loaded again counts on.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>

#include "base/metrics.h"

namespace aquilon::engine {

// How requests end.
enum class Ending { kStop, kLength, kAbort, kError };
inline constexpr std::array<const char*, 4> kEndingNames = {"stop", "length", "abort", "error"};

// Bounds of the histograms: seconds until something is there, seconds between two tokens, seconds
// of whole requests, tokens of a request, tokens of a step, small numbers. Those that vLLM's
// dashboards know.
inline constexpr double kFirstTokenBounds[] = {.001, .005, .01, .02, .04, .06, .08, .1,
                                               .25,  .5,   .75, 1,   2.5, 5,   7.5, 10,
                                               20,   40,   80,  160, 640, 2560};
inline constexpr double kTokenBounds[] = {.01, .025, .05, .075, .1,  .15, .2, .3, .4, .5,
                                          .75, 1,    2.5, 5,    7.5, 10,  20, 40, 80};
inline constexpr double kRequestBounds[] = {.3, .5, .8, 1,  1.5, 2,   2.5, 5,   10,   15,  20,
                                            30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680};
inline constexpr double kTokensBounds[] = {1,   2,    5,    10,   20,    50,    100,   200,
                                           500, 1000, 2000, 5000, 10000, 20000, 50000, 100000};
inline constexpr double kStepBounds[] = {1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048};
inline constexpr double kChoiceBounds[] = {1, 2, 5, 10, 20};

// Times in seconds. Those of requests count the requests that came to an end of their own.
// Threads: safe.
struct EngineMetrics {
  Gauge running;  // requests
  Gauge waiting;
  Gauge kv_usage;  // of the pages, those that running requests hold: 0 to 1
  Gauge kv_pages;  // all
  Counter preemptions;
  Counter broken_steps;       // that an invariant of ours ended
  Counter prompt_tokens;      // computed or found
  Counter cached_tokens;      // of them found
  Counter generation_tokens;  // of answers
  Counter guessed_tokens;
  Counter accepted_tokens;
  std::array<Counter, kEndingNames.size()> endings;

  Histogram first_token{kFirstTokenBounds};  // since the request came
  Histogram between_tokens{kTokenBounds};    // of one answer
  Histogram per_token{kTokenBounds};         // a request's mean after its first token
  Histogram whole{kRequestBounds};           // since the request came
  Histogram queued{kRequestBounds};
  Histogram inference{kRequestBounds};  // since it began
  Histogram prefill{kRequestBounds};    // from there to the first token
  Histogram decode{kRequestBounds};     // from there to the last
  Histogram request_prompt{kTokensBounds};
  Histogram request_generation{kTokensBounds};
  Histogram request_max_tokens{kTokensBounds};
  Histogram request_choices{kChoiceBounds};
  Histogram step_tokens{kStepBounds};  // computed in one step

  // The model's file lost bytes while it was in use: the engine answers no more.
  std::atomic<bool> file_damaged{false};

  // The step that is running now.
  void begin_step() { step_began_ms_ = now_ms(); }
  void end_step() { step_began_ms_ = 0; }
  // How long it has taken so far; 0 between steps.
  double step_seconds() const {
    const std::int64_t began = step_began_ms_;
    return began == 0 ? 0 : static_cast<double>(now_ms() - began) / 1000;
  }

 private:
  static std::int64_t now_ms() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  }

  std::atomic<std::int64_t> step_began_ms_{0};  // steady clock
};

}  // namespace aquilon::engine
