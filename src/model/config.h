// The shape of a model and the families that we run, as data: one forward pass serves them all.
// docs/adding-a-family.md shows how a family is added.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/gguf.h"
#include "kernels/rope/rope.h"  // RopeLayout

namespace aquilon::model {

// Of the feed-forward block: act(w1 n) * w3 n.
enum class Activation { kSilu, kGeluTanh };

// What distinguishes a family of models and stands in no key of its files. A new family that
// recombines known parts is a new row. What the keys and tensors of a file say themselves
// (experts, windows, tied embeddings, biases, scaling) needs none.
struct Family {
  std::string_view architecture;  // general.architecture of its GGUF files
  kernels::RopeLayout rope_layout = kernels::RopeLayout::kInterleaved;
  kernels::RopeLayout hf_rope_layout = kernels::RopeLayout::kHalves;  // in Hugging Face's files
  bool qkv_bias = false;           // wq, wk, wv always have biases; elsewhere they may
  bool qk_norms = false;           // RMS norms of each query and key head before RoPE
  bool sandwich_norms = false;     // a norm behind attention and feed-forward too, before the sum
  bool scaled_embeddings = false;  // times sqrt(D)
  Activation activation = Activation::kSilu;
  // Of N layers in a row the last sees everything, the others their window; 1: all have windows.
  // For files with a window and no pattern.
  std::size_t window_pattern = 1;
  double local_theta = 0;  // RoPE of layers with a window, unscaled; 0: as the other layers
  // Of N layers in a row the last does not turn queries and keys (NoPE); 0: all turn them.
  std::size_t nope_period = 0;
  // A model of so many layers scales q.k by 1 / sqrt(D / H), not by 1 / sqrt(E), and its files do
  // not say so.
  std::size_t wide_scale_layers = 0;
};

std::span<const Family> families();

// Rotary embedding: plain, or stretched to longer contexts.
struct RopeConfig {
  enum class Scaling {
    kNone,
    kLinear,
    kDynamic,  // NTK: the base grows with the text beyond original_context
    kYarn,
  };
  double theta = 10000;
  std::size_t dims = 0;  // values of a head that turn
  Scaling scaling = Scaling::kNone;
  double factor = 1;
  std::size_t original_context = 0;  // yarn, dynamic: trained positions
  double beta_fast = 32;
  double beta_slow = 1;
  double attention_factor = 1;  // on cosine and sine
};

// Mixture of experts, in layers that have a router.
struct ExpertsConfig {
  std::size_t count = 0;  // X; 0: none
  std::size_t used = 0;   // of them by a token
  std::size_t hidden_dim = 0;
  bool renormalised = true;  // shares of the chosen add up to 1
  float scale = 1;           // on shares
};

// Queries of later positions grow: 1 + scale ln(1 + floor(position / length)).
struct TemperatureConfig {
  double scale = 0;
  std::size_t length = 1;
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
  double attention_scale = 0;  // of q.k; 0: 1 / sqrt(E)
  kernels::RopeLayout rope_layout = kernels::RopeLayout::kInterleaved;
  RopeConfig rope;
  std::optional<RopeConfig> local_rope;  // of layers with a window, where it is another
  std::vector<bool> rope_layers;         // [L] whether queries and keys turn by their position
  std::vector<std::size_t> windows;  // [L] positions that a token sees, itself among them; 0: all
  ExpertsConfig experts;
  TemperatureConfig temperature;
};

// `known`: the families to choose from. What it holds must outlive the configuration.
// Errors: kUnsupported names the architecture (and lists those that we run) or the part that we do
// not run; kCorrupt names the key that is missing or out of range.
Result<ModelConfig> read_config(const formats::GgufFile& file,
                                std::span<const Family> known = families());

}  // namespace aquilon::model
