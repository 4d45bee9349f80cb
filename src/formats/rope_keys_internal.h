// The rotary embedding of Hugging Face's and Mistral's configurations as GGUF's keys.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "formats/description_builder_internal.h"
#include "formats/json_fields_internal.h"

namespace aquilon::formats {

// YaRN's attention factor for a stretch by `factor`: Peng et al. 2023, arXiv:2309.00071
// section 3.4.
double yarn_magnitude(double factor, double scale = 1);

// What is said of YaRN; everything else has defaults.
struct YarnKeys {
  double factor;
  std::uint64_t original_context;
  double beta_fast;
  double beta_slow;
};
void put_yarn(DescriptionBuilder& builder, std::string_view prefix, const YarnKeys& yarn);

// The factor on cosine and sine where it is not yarn_magnitude(factor): as a multiple of that in
// `<prefix>rope.scaling.attn_factor`, and as it is in `aquilon.rope_attention_factor`.
void put_attention_factor(DescriptionBuilder& builder, std::string_view prefix, double factor,
                          double attention_factor);

struct RopeShape {
  std::string_view prefix;        // "llama."
  std::string_view architecture;  // "llama"
  std::uint64_t head_dim;
  std::uint64_t context;  // max_position_embeddings
  double theta;           // where the configuration does not say
  bool local_too;         // Gemma: window layers have a base of their own
};

// Keys from `rope_parameters` (transformers 5, flat or by kind of layer) or from `rope_theta`,
// `rope_local_base_freq` and `rope_scaling` (before): linear, dynamic, yarn; llama3 as a tensor
// `rope_freqs.weight`. Errors: kUnsupported names another scaling, a part of a head that does not
// turn, scaling of window layers; kCorrupt names a value that is missing or out of range.
Status put_hf_rope(DescriptionBuilder& builder, const JsonFields& config, const RopeShape& shape);

}  // namespace aquilon::formats
