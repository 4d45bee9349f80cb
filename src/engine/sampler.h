// Chooses the next token of one answer.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/request.h"
#include "engine/sampling.h"
#include "text/tokenizer.h"

namespace aquilon::engine {

// The order of steps: logit bias, penalties, temperature, top-k, typical-p, top-p, min-p, draw.
// Each cut keeps at least one token and works on what the one before left, renormalised. The draw
// depends on seed, choice and step alone, so answers reproduce whatever else runs. Threads: one
// user at a time.
class Sampler {
 public:
  // `params` valid (engine::validate); `seed` used even where params.seed is absent.
  Sampler(const SamplingParams& params, std::uint64_t seed, int choice,
          std::span<const text::TokenId> prompt);

  // The next token; remembers it for the penalties. Changes `logits`.
  //   logits  [V]  f32
  text::TokenId sample(std::span<float> logits);
  // The next token is the only one possible: remembers it as sample() does.
  void take(text::TokenId id);

 private:
  struct Candidate {
    text::TokenId id;
    float logit;
    double probability;
  };

  void apply_bias_and_penalties(std::span<float> logits) const;
  text::TokenId draw(std::span<const float> logits);
  void keep_top_k(std::vector<Candidate>& candidates) const;
  void keep_typical(std::vector<Candidate>& candidates) const;
  void keep_top_p(std::vector<Candidate>& candidates) const;
  void keep_min_p(std::vector<Candidate>& candidates) const;

  SamplingParams params_;
  std::uint64_t seed_;
  std::uint64_t choice_;
  std::uint64_t step_ = 0;
  std::unordered_map<text::TokenId, int> answer_counts_;
  std::vector<text::TokenId> prompt_tokens_;  // distinct; empty unless repetition is penalised
};

// Nothing is sampled from what is no number: a damaged file would pass for an answer.
bool all_finite(std::span<const float> values);

// Log-probabilities of `logits` for `chosen` and the `top` most likely tokens.
//   logits  [V]  f32, the model's own
TokenLogprobs log_probabilities(std::span<const float> logits, text::TokenId chosen, int top,
                                const text::Tokenizer& tokenizer);

}  // namespace aquilon::engine
