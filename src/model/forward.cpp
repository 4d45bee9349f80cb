#include "model/forward.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "kernels/attention/kv_store.h"
#include "kernels/rmsnorm/rmsnorm.h"
#include "kernels/rope/rope.h"
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
      pool_(pool),
      gate_fn_(gate_of(config.family->activation)),
      projector_(pool),
      experts_(config, pool) {
  choose_kinds();
}

void Forward::choose_kinds() {
  ropes_.push_back({RopeTable(config_.rope, weights_.rope_freqs)});
  if (config_.local_rope) ropes_.push_back({RopeTable(*config_.local_rope, {})});
  std::vector<std::size_t> windows;
  for (std::size_t layer = 0; layer < config_.n_layers; ++layer) {
    const std::size_t window = config_.windows[layer];
    auto at = std::find(windows.begin(), windows.end(), window);
    if (at == windows.end()) {
      at = windows.insert(at, window);
      attentions_.emplace_back(kernels::AttentionShape{
          .n_heads = config_.n_heads, .window = window, .scale = config_.attention_scale});
    }
    LayerKind kind{std::nullopt, static_cast<std::size_t>(at - windows.begin())};
    if (config_.rope_layers[layer]) kind.rope = window > 0 ? ropes_.size() - 1 : 0;
    kinds_.push_back(kind);
  }
}

void Forward::run(std::span<Slice> batch, std::vector<float>& logits,
                  const HiddenObserver& observe) {
  layers(batch, !observe, observe);
  if (stopped()) return;
  output(batch, logits, observe);
  for (Slice& slice : batch) slice.kv->advance(slice.tokens.size());
}

void Forward::run_hidden(std::span<Slice> batch, std::vector<float>& hidden) {
  layers(batch, false, {});
  if (stopped()) return;
  const std::size_t at = hidden.size();
  hidden.resize(at + tokens_ * config_.dim);
  kernels::rmsnorm(b_.x.data(), weights_.norm.data(), tokens_, config_.dim, config_.norm_eps,
                   hidden.data() + at);
  for (Slice& slice : batch) slice.kv->advance(slice.tokens.size());
}

// From the embedding to the last layer, which leaves its wanted rows alone where asked for.
void Forward::layers(std::span<const Slice> batch, bool only_wanted,
                     const HiddenObserver& observe) {
  embed(batch);
  plan_attention(batch);
  if (observe) observe(0, b_.x);
  for (std::size_t layer = 0; layer < config_.n_layers; ++layer) {
    if (stopped()) return;
    const LayerWeights& w = weights_.layers[layer];
    attention_block(w, layer, batch, only_wanted && layer + 1 == config_.n_layers);
    if (tokens_ > 0) feed_forward_block(w);
    if (observe) observe(layer + 1, b_.x);
  }
}

// x = rows of the embedding; angles and such of every token's position.
void Forward::embed(std::span<const Slice> batch) {
  tokens_ = 0;
  for (const Slice& slice : batch) tokens_ += slice.tokens.size();
  b_.x.resize(tokens_ * config_.dim);
  for (Rope& rope : ropes_) {
    rope.cos.resize(tokens_ * rope.table.pairs());
    rope.sin.resize(tokens_ * rope.table.pairs());
  }
  if (config_.temperature.scale != 0) b_.heat.resize(tokens_);
  const tensor::MatrixView& table = weights_.tok_embeddings;
  const float scale =
      config_.family->scaled_embeddings ? std::sqrt(static_cast<float>(config_.dim)) : 1.0f;
  std::size_t row = 0;
  adapted_.clear();
  for (const Slice& slice : batch) {
    place(slice, row);
    adapt(slice, row, slice.tokens.size());
    for (const text::TokenId token : slice.tokens) {
      const auto id = static_cast<std::size_t>(token);
      AQ_CHECK(id < config_.vocab_size);
      float* x = &b_.x[row++ * config_.dim];
      quant::decode(table.dtype, table.row(id), config_.dim, x);
      if (scale != 1) std::for_each_n(x, config_.dim, [scale](float& v) { v *= scale; });
    }
  }
  projector_.adapt(adapted_);
}

// The slice's rows of the batch have its adapter. Neighbours that share one are computed together.
void Forward::adapt(const Slice& slice, std::size_t first, std::size_t count) {
  const AdapterUse& use = slice.adapter;
  if (use.adapter == nullptr || count == 0) return;
  if (!adapted_.empty()) {
    AdaptedRows& last = adapted_.back();
    if (last.use.adapter == use.adapter && last.use.scale == use.scale &&
        last.first + last.count == first) {
      last.count += count;
      return;
    }
  }
  adapted_.push_back({use, first, count});
}

// What the positions of a slice mean, from `row` of the batch on.
void Forward::place(const Slice& slice, std::size_t row) {
  const TemperatureConfig& temperature = config_.temperature;
  for (std::size_t i = 0; i < slice.tokens.size(); ++i, ++row) {
    const std::size_t position = slice.kv->length() + i;
    for (Rope& rope : ropes_) {
      const std::size_t at = row * rope.table.pairs();
      rope.table.fill(position, std::max(slice.text_length, position + 1), &rope.cos[at],
                      &rope.sin[at]);
    }
    if (temperature.scale != 0) {
      const auto step = static_cast<double>(position / temperature.length);
      b_.heat[row] = static_cast<float>(1 + temperature.scale * std::log(1 + step));
    }
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
  for (kernels::Attention& attention : attentions_) attention.plan(kv_layout_, kv_slices_);
}

// x += norm(wo(attention(rope(norm(wq n)), rope(norm(wk n)), wv n))), n = norm(x). All norms but
// the first are there in some families only, and rope is not in every layer of some.
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
  const LayerKind kind = kinds_[layer];
  const Rope* const rope = kind.rope ? &ropes_[*kind.rope] : nullptr;
  pool_.run(tokens_, [&](std::size_t t) { rotate(w, rope, t); });

  b_.mixed.resize(tokens_ * c.n_heads * c.head_dim);
  kernels::store_kv(pool_, kv_layout_, layer, kv_slices_, b_.k.data(), b_.v.data());
  attentions_[kind.attention].run(pool_, layer, b_.q.data(), b_.mixed.data());
  if (only_wanted) keep_wanted(batch);
  if (tokens_ == 0) return;
  const Product wo[] = {into_x(w.wo, w.post_attention_norm)};
  projector_.run(b_.mixed.data(), tokens_, c.n_heads * c.head_dim, wo);
  if (!wo->add) add_block(w.post_attention_norm);
}

// x += norm(w2(act(w1 n) * w3 n)), n = norm(x), or a sum of such over experts. The norm behind is
// there in some families only.
void Forward::feed_forward_block(const LayerWeights& w) {
  if (w.has_experts()) {
    b_.normed.resize(tokens_ * config_.dim);
    b_.block.resize(tokens_ * config_.dim);
    const auto norm = norm_of_x(w.ffn_norm);
    pool_.run(tokens_, [&](std::size_t t) { norm(t, 1); });
    experts_.run(w, b_.normed.data(), tokens_, b_.block.data());
    add_block(w.post_ffn_norm);
    return;
  }
  const std::size_t hidden = config_.hidden_dim;
  b_.gate.resize(tokens_ * hidden);
  b_.up.resize(tokens_ * hidden);
  const Product in[] = {{&w.dense.w1, b_.gate.data()}, {&w.dense.w3, b_.up.data()}};
  projector_.run(b_.normed.data(), tokens_, config_.dim, in, norm_of_x(w.ffn_norm));
  const Product out[] = {into_x(w.dense.w2, w.post_ffn_norm)};
  projector_.run(b_.gate.data(), tokens_, hidden, out, [&](std::size_t first, std::size_t n) {
    gate_fn_(&b_.gate[first * hidden], &b_.up[first * hidden], n * hidden);
  });
  if (!out->add) add_block(w.post_ffn_norm);
}

Product Forward::into_x(const WeightMatrix& w, const std::vector<float>& norm) {
  if (norm.empty()) return {&w, b_.x.data(), nullptr, true};
  b_.block.resize(tokens_ * config_.dim);
  return {&w, b_.block.data()};
}

// x += norm(block), or block itself where there is no norm
void Forward::add_block(const std::vector<float>& norm) {
  const std::size_t dim = config_.dim;
  pool_.run(tokens_, [&](std::size_t t) {
    float* block = &b_.block[t * dim];
    if (!norm.empty()) kernels::rmsnorm(block, norm.data(), 1, dim, config_.norm_eps, block);
    float* x = &b_.x[t * dim];
    for (std::size_t i = 0; i < dim; ++i) x[i] += block[i];
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
  adapted_.clear();
  for (const Slice& slice : batch) {
    const std::size_t n = slice.tokens.size();
    const std::size_t first = tokens_;
    for (std::size_t i = 0; i < n; ++i, ++row) {
      if (slice.want == WantLogits::kNone || (slice.want == WantLogits::kLast && i + 1 < n))
        continue;
      std::copy_n(&b_.x[row * config_.dim], config_.dim, &b_.x[tokens_ * config_.dim]);
      std::copy_n(&b_.mixed[row * gathered], gathered, &b_.mixed[tokens_ * gathered]);
      ++tokens_;
    }
    adapt(slice, first, tokens_ - first);
  }
  projector_.adapt(adapted_);
}

// Queries and keys of a token: normed head by head, turned by its position unless the layer has no
// RoPE, queries heated.
void Forward::rotate(const LayerWeights& w, const Rope* rope, std::size_t t) {
  const ModelConfig& c = config_;
  float* q = &b_.q[t * c.n_heads * c.head_dim];
  float* k = &b_.k[t * c.n_kv_heads * c.head_dim];
  if (!w.q_norm.empty()) {
    kernels::rmsnorm(q, w.q_norm.data(), c.n_heads, c.head_dim, c.norm_eps, q);
    kernels::rmsnorm(k, w.k_norm.data(), c.n_kv_heads, c.head_dim, c.norm_eps, k);
  }
  if (rope != nullptr) {
    const float* cos = &rope->cos[t * rope->table.pairs()];
    const float* sin = &rope->sin[t * rope->table.pairs()];
    kernels::rope(q, cos, sin, 1, c.n_heads, c.head_dim, c.rope.dims, c.rope_layout);
    kernels::rope(k, cos, sin, 1, c.n_kv_heads, c.head_dim, c.rope.dims, c.rope_layout);
  }
  if (!b_.heat.empty())
    for (std::size_t i = 0; i < c.n_heads * c.head_dim; ++i) q[i] *= b_.heat[t];
}

}  // namespace aquilon::model
