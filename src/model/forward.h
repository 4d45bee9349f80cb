// The forward pass: config and weights in, logits out, for a batch of slices of sequences. Read
// forward.cpp from top to bottom: it is the whole model.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/attention/attention.h"
#include "kernels/rmsnorm/rmsnorm.h"
#include "model/adapter.h"
#include "model/config.h"
#include "model/experts.h"
#include "model/gate.h"
#include "model/kv_cache.h"
#include "model/projector.h"
#include "model/rope_table.h"
#include "model/weights.h"
#include "text/tokenizer.h"  // TokenId

namespace aquilon::model {

enum class WantLogits { kNone, kLast, kAll };

// The next tokens of one sequence: a piece of its prompt, or the token that was sampled last.
struct Slice {
  KvCache* kv;                            // has reserved room for them; advanced by the pass
  std::span<const text::TokenId> tokens;  // not empty, ids within the vocabulary
  WantLogits want = WantLogits::kLast;
  // With dynamic RoPE alone: tokens of the text that these belong to, which sets their angles. 0:
  // as far as each has got, so that nothing depends on what follows.
  std::size_t text_length = 0;
  AdapterUse adapter = {};  // bound to this model's weights
};

// Called with the hidden states after the embedding (0), after each layer (1..L) and after the
// final norm (L+1, wanted rows only).   hidden  [rows, D]
using HiddenObserver = std::function<void(std::size_t stage, std::span<const float> hidden)>;

// Runs batches on one model. A sequence's logits are bit-equal however its tokens are sliced and
// whatever else is in the batch, with or without adapters, on any number of threads. The caches of
// a batch have one type. Layers differ in their windows and in their RoPE: what layers share is
// made once a batch. Threads: one caller at a time.
class Forward {
 public:
  Forward(const ModelConfig& config, const Weights& weights, ThreadPool& pool);

  // Appends to `logits` one row of V values for every wanted position, in the order of the slices.
  //   logits  [rows, V]  f32
  void run(std::span<Slice> batch, std::vector<float>& logits, const HiddenObserver& observe = {});
  // Appends the final norm's output for every token of the slices, whatever they want.
  //   hidden  [T, D]  f32
  void run_hidden(std::span<Slice> batch, std::vector<float>& hidden);

  // Once `flag` is set, passes end at their next layer: they append nothing, and the caches of
  // their sequences are of no further use. Null: never. For what a person may interrupt.
  void stop_when(const std::atomic<bool>* flag) { stop_ = flag; }
  bool stopped() const { return stop_ != nullptr && stop_->load(std::memory_order_relaxed); }

  // From now on `observer` sees the activations of every product but the routers'. An empty one
  // ends that.
  void observe_products(const ProductObserver& observer) {
    projector_.observe(observer);
    experts_.observe(observer);
  }

 private:
  struct Buffers {
    std::vector<float> x;       // [T, D]    residual stream
    std::vector<float> normed;  // [T, D]
    std::vector<float> q;       // [T, H*E]
    std::vector<float> k;       // [T, K*E]
    std::vector<float> v;       // [T, K*E]
    std::vector<float> mixed;   // [T, H*E]  what attention gathered
    std::vector<float> gate;    // [T, F]
    std::vector<float> up;      // [T, F]
    std::vector<float> block;   // [T, D]    a block's result where it is not added straight to x
    std::vector<float> heat;    // [T]       factors on queries; empty: none
  };
  // Angles of the batch's positions.
  struct Rope {
    RopeTable table;
    std::vector<float> cos{};  // [T, E/2]
    std::vector<float> sin{};  // [T, E/2]
  };
  // Which of `ropes_` and `attentions_` a layer uses.
  struct LayerKind {
    std::optional<std::size_t> rope;
    std::size_t attention;
  };

  void choose_kinds();
  void layers(std::span<const Slice> batch, bool only_wanted, const HiddenObserver& observe);
  void embed(std::span<const Slice> batch);
  void place(const Slice& slice, std::size_t row);
  void adapt(const Slice& slice, std::size_t first, std::size_t count);
  void plan_attention(std::span<const Slice> batch);
  // only_wanted: the batch shrinks to its wanted rows once keys and values are stored.
  void attention_block(const LayerWeights& w, std::size_t layer, std::span<const Slice> batch,
                       bool only_wanted);
  void feed_forward_block(const LayerWeights& w);
  // The last product of a block: straight into x where no norm follows, else aside, for add_block.
  Product into_x(const WeightMatrix& w, const std::vector<float>& norm);
  void add_block(const std::vector<float>& norm);
  void output(std::span<const Slice> batch, std::vector<float>& logits,
              const HiddenObserver& observe);
  void keep_wanted(std::span<const Slice> batch);
  void rotate(const LayerWeights& w, const Rope* rope, std::size_t t);
  // Writes rows of `normed` from those of x, as the projector asks for them.
  auto norm_of_x(const std::vector<float>& weight) {
    return [this, &weight](std::size_t first, std::size_t n) {
      kernels::rmsnorm(&b_.x[first * config_.dim], weight.data(), n, config_.dim, config_.norm_eps,
                       &b_.normed[first * config_.dim]);
    };
  }

  const ModelConfig& config_;
  const Weights& weights_;
  ThreadPool& pool_;
  Gate* const gate_fn_;
  Projector projector_;
  Experts experts_;
  std::vector<Rope> ropes_;
  std::vector<kernels::Attention> attentions_;  // one a window
  std::vector<LayerKind> kinds_;                // [L]
  kernels::KvLayout kv_layout_;                 // of the running batch
  std::vector<kernels::KvSlice> kv_slices_;     // its new positions
  std::vector<AdaptedRows> adapted_;            // its rows that have an adapter
  const std::atomic<bool>* stop_ = nullptr;
  std::size_t tokens_ = 0;  // T: rows of x that still matter in the running batch
  Buffers b_;
};

}  // namespace aquilon::model
