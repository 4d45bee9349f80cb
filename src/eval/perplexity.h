// Perplexity of a model over a text, by llama-perplexity's method: the text is cut into chunks of
// `context` tokens, each computed on its own, its first token replaced by BOS where the model wants
// one, and the next-token predictions from the middle of the chunk on are scored.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/model.h"

namespace aquilon::eval {

// A next-token prediction.
struct Prediction {
  std::span<const float> logits;  // [V], valid during the call
  double log_sum = 0;             // log-probability of id = logits[id] - log_sum
  text::TokenId next = 0;         // the token that the text goes on with

  double logprob(text::TokenId id) const {
    return static_cast<double>(logits[static_cast<std::size_t>(id)]) - log_sum;
  }
};

// The log of the sum of exp(logits), in double.
double log_sum_exp(std::span<const float> logits);

// The tokens of the whole text, BOS before them where the model wants one. One newline at the
// text's end is dropped, as llama-perplexity does.
std::vector<text::TokenId> text_tokens(const model::Model& model, std::string_view text);

// Predictions of a chunk that are scored: those at positions context / 2 to context - 2.
constexpr std::size_t scored_positions(std::size_t context) {
  return context - 1 - context / 2;
}

// Called for every scored position in order; an error ends the run.
using PredictionSink = std::function<Status(const Prediction& prediction)>;
// Called after each chunk; false ends the run with kCancelled.
using ChunkSink = std::function<bool(std::size_t done, std::size_t total)>;

// Runs all whole chunks of `tokens`.   context  4 to the model's own
//                                      kv_type  how keys and values are stored
// Errors: kInvalidArgument when there are fewer than two chunks; kCancelled also where the forward
// pass is stopped (Forward::stop_when); those of the cache and the sinks.
// Threads: one caller a model.
Status predict_chunks(model::Model& model, std::span<const text::TokenId> tokens,
                      std::size_t context, model::KvType kv_type,
                      const PredictionSink& on_prediction, const ChunkSink& on_chunk);

}  // namespace aquilon::eval
