#include "model/experts.h"

#include <algorithm>

#include "kernels/matmul/matmul.h"

namespace aquilon::model {

Experts::Experts(const ModelConfig& config, ThreadPool& pool)
    : config_(config), pool_(pool), gate_fn_(gate_of(config.family->activation)) {}

void Experts::run(const LayerWeights& w, const float* normed, std::size_t tokens, float* out) {
  const std::size_t dim = config_.dim;
  const std::size_t hidden = config_.experts.hidden_dim;
  route(w, normed, tokens);
  group(tokens);
  const std::size_t rows = token_of_.size();
  gathered_.resize(rows * dim);
  gate_.resize(rows * hidden);
  up_.resize(rows * hidden);
  down_.resize(rows * dim);

  products_.clear();
  for (std::size_t g = 0; g < chosen_.size(); ++g) {
    products_.push_back({&w.experts[chosen_[g]].w1, g, gate_.data()});
    products_.push_back({&w.experts[chosen_[g]].w3, g, up_.data()});
  }
  multiply(gathered_.data(), dim, [&](std::size_t first, std::size_t n) {
    for (std::size_t row = first; row < first + n; ++row)
      std::copy_n(normed + token_of_[row] * dim, dim, &gathered_[row * dim]);
  });

  products_.clear();
  for (std::size_t g = 0; g < chosen_.size(); ++g)
    products_.push_back({&w.experts[chosen_[g]].w2, g, down_.data()});
  multiply(gate_.data(), hidden, [&](std::size_t first, std::size_t n) {
    gate_fn_(&gate_[first * hidden], &up_[first * hidden], n * hidden);
  });
  combine(tokens, out);
}

// The router is never quantised: a small error there may choose another expert.
void Experts::route(const LayerWeights& w, const float* normed, std::size_t tokens) {
  const ExpertsConfig& experts = config_.experts;
  logits_.resize(tokens * experts.count);
  choices_.resize(tokens * experts.used);
  kernels::matmul(pool_, w.router, normed, tokens, logits_.data());
  for (std::size_t t = 0; t < tokens; ++t)
    kernels::choose_experts(&logits_[t * experts.count], experts.count, experts.used,
                            experts.renormalised, &choices_[t * experts.used]);
}

// Sorts choices by expert, those of one expert by token.
void Experts::group(std::size_t tokens) {
  const std::size_t used = config_.experts.used;
  starts_.assign(config_.experts.count, 0);
  for (const kernels::ExpertChoice& choice : choices_) ++starts_[choice.expert];
  chosen_.clear();
  ends_.clear();
  std::size_t rows = 0;
  for (std::size_t e = 0; e < starts_.size(); ++e) {
    const std::size_t n = starts_[e];
    starts_[e] = rows;
    if (n == 0) continue;
    rows += n;
    chosen_.push_back(e);
    ends_.push_back(rows);
  }
  row_of_.resize(choices_.size());
  token_of_.resize(choices_.size());
  for (std::size_t i = 0; i < tokens * used; ++i) {
    row_of_[i] = starts_[choices_[i].expert]++;
    token_of_[row_of_[i]] = i / used;
  }
}

// Runs products_ on the grouped rows of x, which prepare(first, n) makes.
template <class Prepare>
void Experts::multiply(const float* x, std::size_t columns, const Prepare& prepare) {
  const bool any_packed = std::any_of(products_.begin(), products_.end(),
                                      [](const Product& p) { return !p.w->packed.empty(); });
  if (any_packed)
    quantized_.quantize(pool_, x, ends_, columns, prepare);
  else
    pool_.run(token_of_.size(), [&](std::size_t row) { prepare(row, 1); });
  packed_.clear();
  for (const Product& p : products_) {
    const std::size_t first = p.group == 0 ? 0 : ends_[p.group - 1];
    if (observer_) observer_(*p.w, x + first * columns, ends_[p.group] - first);
    if (!p.w->packed.empty()) {
      packed_.push_back({&p.w->packed, p.group, p.out});
      continue;
    }
    float* out = p.out + first * p.w->rows();
    if (p.w->floats.empty()) {
      kernels::matmul(pool_, p.w->stored, x + first * columns, ends_[p.group] - first, out);
      continue;
    }
    const kernels::FloatLinear product{&p.w->floats, out};
    arranged_.arrange(pool_, x + first * columns, ends_[p.group] - first, columns);
    kernels::float_linear(pool_, {&product, 1}, arranged_);
  }
  if (!packed_.empty()) kernels::grouped_linear(pool_, packed_, quantized_);
}

void Experts::combine(std::size_t tokens, float* out) const {
  const std::size_t dim = config_.dim;
  const std::size_t used = config_.experts.used;
  pool_.run(tokens, [&](std::size_t t) {
    float* to = out + t * dim;
    std::fill_n(to, dim, 0.0f);
    for (std::size_t i = t * used; i < (t + 1) * used; ++i) {
      const float share = choices_[i].share * config_.experts.scale;
      const float* from = &down_[row_of_[i] * dim];
      for (std::size_t d = 0; d < dim; ++d) to[d] += share * from[d];
    }
  });
}

}  // namespace aquilon::model
