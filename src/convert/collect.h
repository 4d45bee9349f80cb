// Collects an importance matrix: a text through a model, chunk by chunk.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "base/result.h"
#include "convert/importance.h"
#include "model/model.h"

namespace aquilon::convert {

// Called after each chunk; false ends the run with kCancelled.
using CollectProgress = std::function<bool(std::size_t done, std::size_t total)>;

// Sums the squared activations that meet each column of every matrix of the layers, for experts
// those of the tokens that chose them. As in llama-imatrix, whole chunks of `context` tokens are
// computed on their own, the first token of each replaced by BOS where the model wants one, and the
// output matrix is left out.
//   tokens   of the text, BOS in front where the model wants one
//   context  at least 1, at most the model's own
// Errors: kInvalidArgument for less than one chunk; kCorrupt if an activation is no number; those
// of plan_output and of the cache.   Threads: one caller a model.
Result<Importance> collect_importance(model::Model& model, std::span<const text::TokenId> tokens,
                                      std::size_t context, const CollectProgress& progress);

}  // namespace aquilon::convert
