// The weights of a model: views into its file, named as Mistral names them.
#pragma once

#include <vector>

#include "base/result.h"
#include "formats/gguf.h"
#include "model/config.h"
#include "tensor/view.h"

namespace aquilon::model {

// Norms and biases are decoded to f32; matrices stay as they are stored. An absent bias is empty.
struct LayerWeights {
  std::vector<float> attention_norm;  // [D]
  tensor::MatrixView wq;              // [H*E, D]
  tensor::MatrixView wk;              // [K*E, D]
  tensor::MatrixView wv;              // [K*E, D]
  std::vector<float> bq;              // [H*E]
  std::vector<float> bk;              // [K*E]
  std::vector<float> bv;              // [K*E]
  tensor::MatrixView wo;              // [D, H*E]
  std::vector<float> ffn_norm;        // [D]
  tensor::MatrixView w1;              // [F, D]  gate
  tensor::MatrixView w2;              // [D, F]  down
  tensor::MatrixView w3;              // [F, D]  up
};

struct Weights {
  tensor::MatrixView tok_embeddings;  // [V, D]
  std::vector<LayerWeights> layers;   // L
  std::vector<float> norm;            // [D]
  tensor::MatrixView output;          // [V, D]; the embeddings where the file ties them
  std::vector<float> rope_freqs;      // [rope.dims / 2] divisors of the frequencies, or empty
};

// Binds the file's tensors; sets config.vocab_size from the embeddings.
// Errors: kCorrupt names the tensor that is missing or whose shape is not what the configuration
// says; kUnsupported names a tensor that this family does not have, since leaving it out would
// change answers.
Result<Weights> read_weights(const formats::GgufFile& file, ModelConfig& config);

}  // namespace aquilon::model
