#include "model/fingerprint.h"

#include <bit>

namespace aquilon::model {
namespace {

// Source: FNV-1a, over numbers instead of bytes.
struct Hash {
  std::uint64_t state = 0xcbf29ce484222325;

  void add(std::uint64_t number) { state = (state ^ number) * 0x100000001b3; }
  void add(const std::vector<float>& values) {
    add(values.size());
    for (const float value : values) add((std::bit_cast<std::uint32_t>(value) + 0x8000u) >> 16);
  }
};

}  // namespace

std::uint64_t fingerprint(const ModelConfig& config, const Weights& weights) {
  Hash hash;
  for (const std::size_t number :
       {config.dim, config.n_layers, config.n_heads, config.n_kv_heads, config.head_dim,
        config.hidden_dim, config.vocab_size, config.experts.count})
    hash.add(number);
  hash.add(weights.norm);
  for (const LayerWeights& layer : weights.layers)
    for (const std::vector<float>* norm : {&layer.attention_norm, &layer.ffn_norm}) hash.add(*norm);
  return hash.state;
}

}  // namespace aquilon::model
