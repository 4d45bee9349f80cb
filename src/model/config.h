// The shape of a model and the families that we run, as data: one forward pass serves them all.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "formats/gguf.h"
#include "kernels/rope/rope.h"  // RopeLayout

namespace aquilon::model {

// What distinguishes a family of models. A new family that recombines known parts is a new row.
struct Family {
  std::string_view architecture;  // general.architecture of its GGUF files
  kernels::RopeLayout rope_layout;
  bool qkv_bias;  // wq, wk, wv have biases
};

std::span<const Family> families();

// Rotary embedding: plain, or stretched to longer contexts.
struct RopeConfig {
  enum class Scaling { kNone, kLinear, kYarn };
  double theta = 10000;
  std::size_t dims = 0;  // values of a head that turn
  Scaling scaling = Scaling::kNone;
  double factor = 1;
  std::size_t original_context = 0;  // yarn: trained positions
  double beta_fast = 32;
  double beta_slow = 1;
  double attention_factor = 1;  // on cosine and sine
};

// Names are those of Mistral's params.json.
struct ModelConfig {
  const Family* family = nullptr;
  std::string name;
  std::size_t dim = 0;             // D
  std::size_t n_layers = 0;        // L
  std::size_t n_heads = 0;         // H
  std::size_t n_kv_heads = 0;      // K
  std::size_t head_dim = 0;        // E
  std::size_t hidden_dim = 0;      // F
  std::size_t vocab_size = 0;      // V
  std::size_t context_length = 0;  // tokens it was trained for
  float norm_eps = 0;
  RopeConfig rope;
};

// Errors: kUnsupported names the architecture (and lists those that we run), mixture of experts,
// sliding window or RoPE scaling that we do not run; kCorrupt names the key that is missing or out
// of range.
Result<ModelConfig> read_config(const formats::GgufFile& file);

}  // namespace aquilon::model
