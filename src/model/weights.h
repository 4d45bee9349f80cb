// The weights of a model: views into its file, named as Mistral names them.
#pragma once

#include <functional>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "formats/gguf.h"
#include "model/config.h"
#include "quant/pack.h"
#include "quant/pack_floats.h"
#include "tensor/huge_buffer.h"
#include "tensor/view.h"

namespace aquilon::model {

// A matrix as the file stores it, and repacked for the kernels once pack_weights has run, if its
// type has a packing: at most one of the two.
struct WeightMatrix {
  tensor::MatrixView stored;
  quant::PackedMatrix packed;  // quants, for integer arithmetic
  quant::PackedFloats floats;  // F16 and BF16, for f32

  std::size_t rows() const { return stored.rows; }
};

// A feed-forward block: of a layer or of one expert.
struct FeedForwardWeights {
  WeightMatrix w1;  // [F, D]  gate
  WeightMatrix w2;  // [D, F]  down
  WeightMatrix w3;  // [F, D]  up
};

// Norms and biases are decoded to f32; matrices stay as they are stored. What a layer does not have
// is empty.
struct LayerWeights {
  std::vector<float> attention_norm;       // [D]
  WeightMatrix wq;                         // [H*E, D]
  WeightMatrix wk;                         // [K*E, D]
  WeightMatrix wv;                         // [K*E, D]
  std::vector<float> bq;                   // [H*E]
  std::vector<float> bk;                   // [K*E]
  std::vector<float> bv;                   // [K*E]
  std::vector<float> q_norm;               // [E]
  std::vector<float> k_norm;               // [E]
  WeightMatrix wo;                         // [D, H*E]
  std::vector<float> post_attention_norm;  // [D]
  std::vector<float> ffn_norm;             // [D]
  FeedForwardWeights dense;
  tensor::MatrixView router;                // [X, D]  in place of `dense`, with the experts
  std::vector<FeedForwardWeights> experts;  // X
  std::vector<float> post_ffn_norm;         // [D]

  bool has_experts() const { return !experts.empty(); }
};

struct Weights {
  tensor::MatrixView tok_embeddings;  // [V, D]
  std::vector<LayerWeights> layers;   // L
  std::vector<float> norm;            // [D]
  WeightMatrix output;                // [V, D]; the embeddings where the file ties them
  std::vector<float> rope_freqs;      // [rope.dims / 2] divisors of the frequencies, or empty
  tensor::HugeBuffer packed;          // what the matrices' packed forms point into
};

// Calls f with every matrix but embeddings and routers, in the order in which the forward pass
// reads them.
template <class W, class F>
void for_each_matrix(W& weights, const F& f) {
  const auto feed_forward = [&f](auto& block) {
    for (auto matrix : {&block.w1, &block.w3, &block.w2}) f(*matrix);
  };
  for (auto& layer : weights.layers) {
    for (auto matrix : {&layer.wq, &layer.wk, &layer.wv, &layer.wo}) f(*matrix);
    if (!layer.has_experts()) feed_forward(layer.dense);
    for (auto& expert : layer.experts) feed_forward(expert);
  }
  f(weights.output);
}

// Binds the file's tensors; sets config.vocab_size from the embeddings.
// Errors: kCorrupt names the tensor that is missing or whose shape is not what the configuration
// says; kUnsupported names a tensor that this family does not have, since leaving it out would
// change answers.
Result<Weights> read_weights(const formats::GgufFile& file, ModelConfig& config);

// Called as weights are packed; an error ends the packing. Threads: the caller's of pack_weights.
using PackProgress = std::function<Status(std::size_t done_bytes, std::size_t total_bytes)>;

// Repacks every matrix whose type has a packing, in the order of use, and lets the system take back
// the file's pages behind it. Memory: the packed size, reported by packed_weights_bytes().
//   batch_bytes  packed by each thread between two calls of `progress`
// Errors: kOutOfMemory; that of `progress`.
Status pack_weights(const formats::GgufFile& file, ThreadPool& pool, Weights& weights,
                    const PackProgress& progress = {}, std::size_t batch_bytes = 64 << 20);
std::size_t packed_weights_bytes(const Weights& weights);
bool has_packing(const tensor::MatrixView& matrix);

}  // namespace aquilon::model
