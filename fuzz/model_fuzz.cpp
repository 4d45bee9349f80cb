// Any bytes as a model: refused by name, or its shape and weights run.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"
#include "base/thread_pool.h"
#include "formats/gguf.h"
#include "model/forward.h"
#include "model/kv_cache.h"

using namespace aquilon;

namespace {

constexpr std::size_t kLargest = 1 << 20;  // numbers in a token's buffers: more is slow, not wrong

bool small(const model::ModelConfig& c) {
  return (c.hidden_dim + c.experts.hidden_dim * (c.experts.used + 1) + c.vocab_size +
          c.n_heads * c.head_dim + c.n_layers * c.n_kv_heads * c.head_dim) < kLargest;
}

// A few tokens past a page's edge, in two slices.
void run(const model::ModelConfig& config, const model::Weights& weights) {
  ThreadPool pool(1);
  model::Forward forward(config, weights, pool);
  std::vector<text::TokenId> tokens(18);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = static_cast<text::TokenId>(i % config.vocab_size);
  auto kv = model::KvCache::create(config, tokens.size());
  if (!kv.ok()) return;
  std::vector<float> logits;
  for (const std::size_t begin : {std::size_t{0}, std::size_t{5}}) {
    const std::size_t end = begin == 0 ? 5 : tokens.size();
    model::Slice slice{&*kv, std::span(tokens).subspan(begin, end - begin)};
    forward.run({&slice, 1}, logits);
  }
  AQ_CHECK(logits.size() == 2 * config.vocab_size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = formats::GgufFile::parse(std::as_bytes(std::span(data, size)), "fuzz");
  if (!file.ok()) return 0;
  auto config = model::read_config(*file);
  if (!config.ok()) {
    AQ_CHECK(!config.error().message.empty());
    return 0;
  }
  const auto weights = model::read_weights(*file, *config);
  if (!weights.ok()) {
    AQ_CHECK(weights.error().message.starts_with("fuzz: "));
    return 0;
  }
  if (small(*config)) run(*config, *weights);
  return 0;
}
