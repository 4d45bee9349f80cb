// Sequences of a model for benchmarks: the only place here that knows how keys and values are kept.
#pragma once

#include <vector>

#include "base/result.h"
#include "model/model.h"

namespace aquilon::bench {

// `count` sequences that have read the same `depth` random tokens, with room for `more`. Each has
// its keys and values to itself, as sequences of strangers have. Where the forward pass is stopped
// (Forward::stop_when), members return early and the sequences are of no further use.
class ModelSequences {
 public:
  // Reads the first tokens, `slice` at a time. Errors: kOutOfMemory.
  static Result<ModelSequences> create(model::Model& model, std::size_t count, std::size_t depth,
                                       std::size_t more, std::size_t slice, model::KvType kv_type);

  // Back to the first `depth` tokens, with room as before. Errors: none that create() did not have.
  Status rewind();
  // The first sequence reads `tokens`, `slice` at a time; the last one's logits are computed.
  void read(std::span<const text::TokenId> tokens, std::size_t slice);
  // Every sequence takes its best next token, `steps` times.
  void write(std::size_t steps);

 private:
  explicit ModelSequences(model::Model& model) : model_(model) {}

  model::Model& model_;
  std::size_t depth_ = 0;
  std::size_t more_ = 0;
  std::vector<model::KvCache> caches_;
  std::vector<float> logits_;
};

// Ids from the middle of the vocabulary, the same each time.
std::vector<text::TokenId> random_ids(const model::ModelConfig& config, std::size_t count);

}  // namespace aquilon::bench
