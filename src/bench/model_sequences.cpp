#include "bench/model_sequences.h"

#include <algorithm>
#include <cstring>
#include <random>

namespace aquilon::bench {

std::vector<text::TokenId> random_ids(const model::ModelConfig& config, std::size_t count) {
  std::mt19937_64 random(1);
  std::vector<text::TokenId> ids(count);
  for (text::TokenId& id : ids) id = static_cast<text::TokenId>(random() % config.vocab_size);
  return ids;
}

Result<ModelSequences> ModelSequences::create(model::Model& model, std::size_t count,
                                              std::size_t depth, std::size_t more,
                                              std::size_t slice, model::KvType kv_type) {
  ModelSequences out(model);
  out.depth_ = depth;
  out.more_ = more;
  const auto pool = AQ_TRY(
      model::KvPool::create(model.config(), kv_type, count * model::pages_for(depth + more)));
  for (std::size_t i = 0; i < count; ++i) {
    model::KvCache& cache = out.caches_.emplace_back(pool);
    AQ_RETURN_IF_ERROR(cache.reserve(depth + more));
    if (i == 0 && depth > 0) out.read(random_ids(model.config(), depth), slice);
    if (model.forward().stopped()) return out;
    if (i == 0) continue;
    const model::KvCache& first = out.caches_[0];
    for (std::size_t page = 0; page < model::pages_for(depth); ++page)
      std::memcpy(pool->data(cache.pages()[page]), pool->data(first.pages()[page]),
                  pool->layout().page_bytes());
    cache.advance(depth);
  }
  return out;
}

Status ModelSequences::rewind() {
  for (model::KvCache& cache : caches_) {
    cache.truncate(depth_);
    AQ_RETURN_IF_ERROR(cache.reserve(more_));
  }
  return {};
}

void ModelSequences::read(std::span<const text::TokenId> tokens, std::size_t slice) {
  for (std::size_t at = 0; at < tokens.size(); at += slice) {
    const std::size_t n = std::min(slice, tokens.size() - at);
    const bool last = at + n == tokens.size();
    model::Slice piece{&caches_[0], tokens.subspan(at, n),
                       last ? model::WantLogits::kLast : model::WantLogits::kNone};
    logits_.clear();
    model_.forward().run({&piece, 1}, logits_);
    if (model_.forward().stopped()) return;
  }
}

void ModelSequences::write(std::size_t steps) {
  const std::size_t vocab = model_.config().vocab_size;
  std::vector<text::TokenId> next = random_ids(model_.config(), caches_.size());
  std::vector<model::Slice> batch;
  for (std::size_t i = 0; i < caches_.size(); ++i)
    batch.push_back({&caches_[i], {&next[i], 1}, model::WantLogits::kLast});
  for (std::size_t step = 0; step < steps; ++step) {
    logits_.clear();
    model_.forward().run(batch, logits_);
    if (model_.forward().stopped()) return;
    for (std::size_t i = 0; i < next.size(); ++i) {
      const auto row = logits_.begin() + static_cast<std::ptrdiff_t>(i * vocab);
      const auto best = std::max_element(row, row + static_cast<std::ptrdiff_t>(vocab));
      next[i] = static_cast<text::TokenId>(best - row);
    }
  }
}

}  // namespace aquilon::bench
