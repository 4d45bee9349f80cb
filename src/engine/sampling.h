// How the next token is chosen: the parameters of a request.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"  // TokenId

namespace aquilon::engine {

// Neutral values leave the model's own distribution untouched.
struct SamplingParams {
  double temperature = 1.0;         // 0 is greedy
  int top_k = 0;                    // 0 is off
  double top_p = 1.0;               // (0, 1]
  double min_p = 0.0;               // [0, 1]
  double typical_p = 1.0;           // (0, 1]
  double repetition_penalty = 1.0;  // > 0; on tokens of prompt and answer
  double presence_penalty = 0.0;    // [-2, 2]; on tokens of the answer
  double frequency_penalty = 0.0;   // [-2, 2]; on tokens of the answer, by count
  std::vector<std::pair<text::TokenId, float>> logit_bias;
  std::optional<std::uint64_t> seed;  // drawn from the system when absent
};

// Ranges above, finiteness, ids within the vocabulary. Errors: kInvalidArgument with `param` set to
// the API's name of the field.
Status validate(const SamplingParams& params, std::size_t vocab_size);

}  // namespace aquilon::engine
