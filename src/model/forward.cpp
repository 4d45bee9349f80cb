#include "model/forward.h"

#include "base/check.h"
#include "kernels/attention/kv_store.h"
#include "kernels/matmul/matmul.h"
#include "kernels/rmsnorm/rmsnorm.h"
#include "kernels/rope/rope.h"
#include "kernels/swiglu/swiglu.h"
#include "quant/decode.h"

namespace aquilon::model {

Forward::Forward(const ModelConfig& config, const Weights& weights, int threads)
    : config_(config),
      weights_(weights),
      rope_(config.rope, weights.rope_freqs),
      pool_(threads),
      attention_(config.n_heads) {}

void Forward::run(std::span<Slice> batch, std::vector<float>& logits,
                  const HiddenObserver& observe) {
  embed(batch);
  plan_attention(batch);
  if (observe) observe(0, b_.x);
  for (std::size_t layer = 0; layer < config_.n_layers; ++layer) {
    const LayerWeights& w = weights_.layers[layer];
    attention_block(w, layer);
    feed_forward_block(w);
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
void Forward::attention_block(const LayerWeights& w, std::size_t layer) {
  const ModelConfig& c = config_;
  b_.normed.resize(tokens_ * c.dim);
  kernels::rmsnorm(b_.x.data(), w.attention_norm.data(), tokens_, c.dim, c.norm_eps,
                   b_.normed.data());
  project(w.wq, b_.normed, b_.q, w.bq);
  project(w.wk, b_.normed, b_.k, w.bk);
  project(w.wv, b_.normed, b_.v, w.bv);
  const kernels::RopeLayout layout = c.family->rope_layout;
  kernels::rope(b_.q.data(), b_.cos.data(), b_.sin.data(), tokens_, c.n_heads, c.head_dim,
                c.rope.dims, layout);
  kernels::rope(b_.k.data(), b_.cos.data(), b_.sin.data(), tokens_, c.n_kv_heads, c.head_dim,
                c.rope.dims, layout);

  b_.mixed.resize(tokens_ * c.n_heads * c.head_dim);
  kernels::store_kv(pool_, kv_layout_, layer, kv_slices_, b_.k.data(), b_.v.data());
  attention_.run(pool_, layer, b_.q.data(), b_.mixed.data());
  project(w.wo, b_.mixed, b_.delta);
  add_delta();
}

// x += w2(silu(w1 n) * w3 n), n = norm(x)
void Forward::feed_forward_block(const LayerWeights& w) {
  kernels::rmsnorm(b_.x.data(), w.ffn_norm.data(), tokens_, config_.dim, config_.norm_eps,
                   b_.normed.data());
  project(w.w1, b_.normed, b_.gate);
  project(w.w3, b_.normed, b_.up);
  kernels::swiglu(b_.gate.data(), b_.up.data(), b_.gate.size());
  project(w.w2, b_.gate, b_.delta);
  add_delta();
}

// logits = output(norm(x)) for the wanted rows
void Forward::output(std::span<const Slice> batch, std::vector<float>& logits,
                     const HiddenObserver& observe) {
  const std::size_t dim = config_.dim;
  std::size_t wanted = 0;
  std::size_t row = 0;
  for (const Slice& slice : batch) {
    const std::size_t n = slice.tokens.size();
    for (std::size_t i = 0; i < n; ++i, ++row) {
      if (slice.want == WantLogits::kNone || (slice.want == WantLogits::kLast && i + 1 < n))
        continue;
      kernels::rmsnorm(&b_.x[row * dim], weights_.norm.data(), 1, dim, config_.norm_eps,
                       &b_.normed[wanted++ * dim]);
    }
  }
  if (observe) observe(config_.n_layers + 1, std::span(b_.normed).first(wanted * dim));
  const std::size_t at = logits.size();
  logits.resize(at + wanted * config_.vocab_size);
  if (wanted > 0)
    kernels::matmul(pool_, weights_.output, b_.normed.data(), wanted, logits.data() + at);
}

// out = x w^T + bias, for all tokens
void Forward::project(const tensor::MatrixView& w, const std::vector<float>& x,
                      std::vector<float>& out, const std::vector<float>& bias) {
  out.resize(tokens_ * w.rows);
  kernels::matmul(pool_, w, x.data(), tokens_, out.data());
  if (bias.empty()) return;
  for (std::size_t t = 0; t < tokens_; ++t)
    for (std::size_t i = 0; i < w.rows; ++i) out[t * w.rows + i] += bias[i];
}

void Forward::add_delta() {
  for (std::size_t i = 0; i < b_.x.size(); ++i) b_.x[i] += b_.delta[i];
}

}  // namespace aquilon::model
