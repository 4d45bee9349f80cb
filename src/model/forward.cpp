#include "model/forward.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/attention/kv_store.h"
#include "kernels/rmsnorm/rmsnorm.h"
#include "kernels/rope/rope.h"
#include "kernels/swiglu/swiglu.h"
#include "quant/decode.h"

namespace aquilon::model {
namespace {

const float* optional(const std::vector<float>& bias) {
  return bias.empty() ? nullptr : bias.data();
}

}  // namespace

Forward::Forward(const ModelConfig& config, const Weights& weights, ThreadPool& pool)
    : config_(config),
      weights_(weights),
      rope_(config.rope, weights.rope_freqs),
      pool_(pool),
      projector_(pool),
      attention_(config.n_heads) {}

void Forward::run(std::span<Slice> batch, std::vector<float>& logits,
                  const HiddenObserver& observe) {
  embed(batch);
  plan_attention(batch);
  if (observe) observe(0, b_.x);
  for (std::size_t layer = 0; layer < config_.n_layers; ++layer) {
    const LayerWeights& w = weights_.layers[layer];
    const bool only_wanted = layer + 1 == config_.n_layers && !observe;
    attention_block(w, layer, batch, only_wanted);
    if (tokens_ > 0) feed_forward_block(w);
    if (observe) observe(layer + 1, b_.x);
  }
  output(batch, logits, observe);
  for (Slice& slice : batch) slice.kv->advance(slice.tokens.size());
}

// x = rows of the embedding; cosines and sines of every token's position.
void Forward::embed(std::span<const Slice> batch) {
  tokens_ = 0;
  for (const Slice& slice : batch) tokens_ += slice.tokens.size();
  b_.x.resize(tokens_ * config_.dim);
  b_.cos.resize(tokens_ * rope_.pairs());
  b_.sin.resize(tokens_ * rope_.pairs());
  const tensor::MatrixView& table = weights_.tok_embeddings;
  std::size_t row = 0;
  for (const Slice& slice : batch)
    for (std::size_t i = 0; i < slice.tokens.size(); ++i, ++row) {
      const auto id = static_cast<std::size_t>(slice.tokens[i]);
      AQ_CHECK(id < config_.vocab_size);
      quant::decode(table.dtype, table.row(id), config_.dim, &b_.x[row * config_.dim]);
      const std::size_t at = row * rope_.pairs();
      rope_.fill(slice.kv->length() + i, &b_.cos[at], &b_.sin[at]);
    }
}

void Forward::plan_attention(std::span<const Slice> batch) {
  kv_slices_.clear();
  if (batch.empty()) return;
  kv_layout_ = batch.front().kv->pool()->layout();
  for (const Slice& slice : batch) {
    AQ_CHECK(slice.kv->pool()->layout().type == kv_layout_.type);
    kv_slices_.push_back(slice.kv->slice(slice.tokens.size()));
  }
  attention_.plan(kv_layout_, kv_slices_);
}

// x += wo(attention(rope(wq n), rope(wk n), wv n)), n = norm(x)
void Forward::attention_block(const LayerWeights& w, std::size_t layer,
                              std::span<const Slice> batch, bool only_wanted) {
  const ModelConfig& c = config_;
  b_.normed.resize(tokens_ * c.dim);
  b_.q.resize(tokens_ * c.n_heads * c.head_dim);
  b_.k.resize(tokens_ * c.n_kv_heads * c.head_dim);
  b_.v.resize(tokens_ * c.n_kv_heads * c.head_dim);
  const Product qkv[] = {{&w.wq, b_.q.data(), optional(w.bq)},
                         {&w.wk, b_.k.data(), optional(w.bk)},
                         {&w.wv, b_.v.data(), optional(w.bv)}};
  projector_.run(b_.normed.data(), tokens_, c.dim, qkv, norm_of_x(w.attention_norm));
  pool_.run(tokens_, [&](std::size_t t) { rotate(t); });

  b_.mixed.resize(tokens_ * c.n_heads * c.head_dim);
  kernels::store_kv(pool_, kv_layout_, layer, kv_slices_, b_.k.data(), b_.v.data());
  attention_.run(pool_, layer, b_.q.data(), b_.mixed.data());
  if (only_wanted) keep_wanted(batch);
  if (tokens_ == 0) return;
  const Product wo[] = {{&w.wo, b_.x.data(), nullptr, true}};
  projector_.run(b_.mixed.data(), tokens_, c.n_heads * c.head_dim, wo);
}

// x += w2(silu(w1 n) * w3 n), n = norm(x)
void Forward::feed_forward_block(const LayerWeights& w) {
  const std::size_t hidden = config_.hidden_dim;
  b_.gate.resize(tokens_ * hidden);
  b_.up.resize(tokens_ * hidden);
  const Product in[] = {{&w.w1, b_.gate.data()}, {&w.w3, b_.up.data()}};
  projector_.run(b_.normed.data(), tokens_, config_.dim, in, norm_of_x(w.ffn_norm));
  const Product out[] = {{&w.w2, b_.x.data(), nullptr, true}};
  projector_.run(b_.gate.data(), tokens_, hidden, out, [&](std::size_t first, std::size_t n) {
    kernels::swiglu(&b_.gate[first * hidden], &b_.up[first * hidden], n * hidden);
  });
}

// logits = output(norm(x)) for the wanted rows
void Forward::output(std::span<const Slice> batch, std::vector<float>& logits,
                     const HiddenObserver& observe) {
  if (tokens_ > 0 && observe) keep_wanted(batch);
  if (tokens_ == 0) return;
  const std::size_t at = logits.size();
  logits.resize(at + tokens_ * config_.vocab_size);
  const Product out[] = {{&weights_.output, logits.data() + at}};
  projector_.run(b_.normed.data(), tokens_, config_.dim, out, norm_of_x(weights_.norm));
  if (observe) observe(config_.n_layers + 1, std::span(b_.normed).first(tokens_ * config_.dim));
}

// From here on the batch is its wanted rows: moves those of x and mixed to the front.
void Forward::keep_wanted(std::span<const Slice> batch) {
  const std::size_t gathered = config_.n_heads * config_.head_dim;
  std::size_t row = 0;
  tokens_ = 0;
  for (const Slice& slice : batch) {
    const std::size_t n = slice.tokens.size();
    for (std::size_t i = 0; i < n; ++i, ++row) {
      if (slice.want == WantLogits::kNone || (slice.want == WantLogits::kLast && i + 1 < n))
        continue;
      std::copy_n(&b_.x[row * config_.dim], config_.dim, &b_.x[tokens_ * config_.dim]);
      std::copy_n(&b_.mixed[row * gathered], gathered, &b_.mixed[tokens_ * gathered]);
      ++tokens_;
    }
  }
}

void Forward::rotate(std::size_t t) {
  const ModelConfig& c = config_;
  const kernels::RopeLayout layout = c.family->rope_layout;
  const float* cos = &b_.cos[t * rope_.pairs()];
  const float* sin = &b_.sin[t * rope_.pairs()];
  kernels::rope(&b_.q[t * c.n_heads * c.head_dim], cos, sin, 1, c.n_heads, c.head_dim, c.rope.dims,
                layout);
  kernels::rope(&b_.k[t * c.n_kv_heads * c.head_dim], cos, sin, 1, c.n_kv_heads, c.head_dim,
                c.rope.dims, layout);
}

}  // namespace aquilon::model
