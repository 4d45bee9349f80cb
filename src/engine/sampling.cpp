#include "engine/sampling.h"

#include <cmath>

namespace aquilon::engine {
namespace {

struct Range {
  const char* field;
  double value;
  double min;
  double max;
  bool min_allowed = true;
};

Error out_of_range(const Range& r) {
  Error error = make_error(Code::kInvalidArgument, "{} must be {} {} and at most {}, but is {}",
                           r.field, r.min_allowed ? "at least" : "above", r.min, r.max, r.value);
  error.param = r.field;
  return error;
}

}  // namespace

Status validate(const SamplingParams& p, std::size_t vocab_size) {
  const Range ranges[] = {
      {"temperature", p.temperature, 0, 100},
      {"top_k", static_cast<double>(p.top_k), 0, 1e9},
      {"top_p", p.top_p, 0, 1, false},
      {"min_p", p.min_p, 0, 1},
      {"typical_p", p.typical_p, 0, 1, false},
      {"repetition_penalty", p.repetition_penalty, 0, 100, false},
      {"presence_penalty", p.presence_penalty, -2, 2},
      {"frequency_penalty", p.frequency_penalty, -2, 2},
  };
  for (const Range& r : ranges) {
    // Written so that NaN fails.
    const bool above = r.min_allowed ? r.value >= r.min : r.value > r.min;
    if (!(above && r.value <= r.max)) return out_of_range(r);
  }
  for (const auto& [id, bias] : p.logit_bias) {
    Error error{Code::kInvalidArgument, {}, "logit_bias"};
    if (id < 0 || static_cast<std::size_t>(id) >= vocab_size)
      error.message =
          fmt::format("logit_bias: {} is no token id; this model has {}", id, vocab_size);
    else if (!(std::abs(bias) <= 100.0f))
      error.message = fmt::format("logit_bias of token {} must be between -100 and 100", id);
    if (!error.message.empty()) return error;
  }
  return {};
}

}  // namespace aquilon::engine
