// The families of Hugging Face's config.json that we translate, as data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "formats/tensor_names_internal.h"  // NameStyle

namespace aquilon::formats {

enum class HfWindows {
  kNone,           // every layer sees everything
  kUniform,        // sliding_window means every layer
  kLastLayers,     // with use_sliding_window, the layers from max_window_layers on
  kUniformIfUsed,  // with use_sliding_window, every layer
  kPattern,        // all but each sliding_window_pattern-th
  kWithoutRope,    // with use_sliding_window, the layers without RoPE
};

enum class HfExperts { kNone, kMixtral, kQwen };

// What a key means that config.json leaves out is what transformers 5.24 takes it for; 0: it must
// be there.
struct HfFamily {
  std::string_view model_type;
  std::string_view architecture;  // in GGUF
  HfWindows windows = HfWindows::kNone;
  HfExperts experts = HfExperts::kNone;
  NameStyle names = NameStyle::kHuggingFace;
  bool gemma = false;
  bool own_biases = false;          // of wq, wk, wv alone, whatever attention_bias says
  std::uint64_t nope_interval = 0;  // each so-manieth layer has no RoPE; 0: all have, always
  std::uint64_t heads = 0;
  std::uint64_t kv_heads = 0;  // 0: as many as heads
  std::uint64_t head_dim = 0;  // 0: hidden_size / heads
  std::uint64_t context = 0;
  double eps = 0;
  double theta = 10000;
  std::optional<std::uint64_t> window = {};
};

// Null for a model_type that we do not translate.
const HfFamily* find_hf_family(std::string_view model_type);
std::string hf_model_types();  // "llama, mistral, ...", those of multimodal wrappers included

// The family of the text model inside a multimodal model_type ("mistral3") whose text_config does
// not say; empty if it is none of those.
std::string_view hf_text_type(std::string_view model_type);

}  // namespace aquilon::formats
