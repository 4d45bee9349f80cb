// The feed-forward block of a mixture of experts: every token goes through the few that the router
// chooses for it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/floats/float_linear.h"
#include "kernels/moe/choose_experts.h"
#include "kernels/moe/grouped_linear.h"
#include "model/config.h"
#include "model/gate.h"
#include "model/projector.h"  // ProductObserver
#include "model/weights.h"

namespace aquilon::model {

// Tokens are grouped by expert, so that an expert's weights are read once a batch, and those of
// experts that nobody chose not at all. A token's result is the same bits in any batch: its
// experts are added up in the order in which the router ranks them.
// Threads: one caller at a time.
class Experts {
 public:
  Experts(const ModelConfig& config, ThreadPool& pool);

  void observe(ProductObserver observer) { observer_ = std::move(observer); }

  // out = sum over the chosen experts of share * w2(act(w1 n) * w3 n), n = normed
  //   normed, out  [T, D]  f32; may not overlap
  void run(const LayerWeights& w, const float* normed, std::size_t tokens, float* out);

 private:
  // The product of the rows that chose an expert.
  struct Product {
    const WeightMatrix* w;  // [N, K]
    std::size_t group;
    float* out;  // [rows, N] of all groups
  };

  void route(const LayerWeights& w, const float* normed, std::size_t tokens);
  void group(std::size_t tokens);
  template <class Prepare>
  void multiply(const float* x, std::size_t columns, const Prepare& prepare);
  void combine(std::size_t tokens, float* out) const;

  const ModelConfig& config_;
  ThreadPool& pool_;
  Gate* const gate_fn_;
  ProductObserver observer_;                    // mostly none
  std::vector<float> logits_;                   // [T, X]
  std::vector<kernels::ExpertChoice> choices_;  // [T, used]
  std::vector<std::size_t> row_of_;             // [T, used] of each choice, among grouped rows
  std::vector<std::size_t> token_of_;           // [rows]
  std::vector<std::size_t> starts_;             // [X] where an expert's next row goes
  std::vector<std::size_t> chosen_;             // [groups] the expert of each group
  std::vector<std::size_t> ends_;               // [groups] row after its last
  std::vector<float> gathered_;                 // [rows, D]
  std::vector<float> gate_;                     // [rows, F]
  std::vector<float> up_;                       // [rows, F]
  std::vector<float> down_;                     // [rows, D]
  std::vector<Product> products_;
  std::vector<kernels::GroupedLinear> packed_;
  kernels::FloatRows arranged_;  // of one expert's rows
  kernels::GroupedRows quantized_;
};

}  // namespace aquilon::model
