#include "formats/source_names_internal.h"

namespace aquilon::formats {
namespace {

// Keys behind "<architecture>.".
constexpr SourceNames::Key kHuggingFaceKeys[] = {
    {"context_length", "max_position_embeddings"},
    {"embedding_length", "hidden_size"},
    {"block_count", "num_hidden_layers"},
    {"feed_forward_length", "intermediate_size"},
    {"attention.head_count", "num_attention_heads"},
    {"attention.head_count_kv", "num_key_value_heads"},
    {"attention.key_length", "head_dim"},
    {"attention.value_length", "head_dim"},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps"},
    {"attention.sliding_window", "sliding_window"},
    {"attention.sliding_window_pattern", "layer_types"},
    {"attention.scale", "query_pre_attn_scalar"},
    {"expert_count", "num_experts"},
    {"expert_used_count", "num_experts_per_tok"},
    {"expert_feed_forward_length", "moe_intermediate_size"},
    {"expert_weights_norm", "norm_topk_prob"},
    {"rope.freq_base", "rope_theta"},
    {"rope.freq_base_swa", "rope_local_base_freq"},
    {"rope.dimension_count", "head_dim"},
    {"rope.scaling.type", "rope_scaling.rope_type"},
    {"rope.scaling.factor", "rope_scaling.factor"},
    {"rope.scaling.attn_factor", "rope_scaling.attention_factor"},
    {"rope.scaling.original_context_length", "rope_scaling.original_max_position_embeddings"},
    {"rope.scaling.yarn_beta_fast", "rope_scaling.beta_fast"},
    {"rope.scaling.yarn_beta_slow", "rope_scaling.beta_slow"},
    {"rope.scaling.yarn_log_multiplier", "rope_scaling.mscale_all_dim"},
    {"attention.temperature_scale", "rope_scaling.llama_4_scaling_beta"},
    {"attention.temperature_length", "rope_scaling.original_max_position_embeddings"},
};

constexpr SourceNames::Key kMistralKeys[] = {
    {"context_length", "max_seq_len"},
    {"embedding_length", "dim"},
    {"block_count", "n_layers"},
    {"feed_forward_length", "hidden_dim"},
    {"attention.head_count", "n_heads"},
    {"attention.head_count_kv", "n_kv_heads"},
    {"attention.key_length", "head_dim"},
    {"attention.value_length", "head_dim"},
    {"attention.layer_norm_rms_epsilon", "norm_eps"},
    {"attention.sliding_window", "sliding_window"},
    {"attention.sliding_window_pattern", "sliding_window"},
    {"expert_count", "moe.num_experts"},
    {"expert_used_count", "moe.num_experts_per_tok"},
    {"rope.freq_base", "rope_theta"},
    {"rope.dimension_count", "head_dim"},
    {"rope.scaling.factor", "yarn.factor"},
    {"rope.scaling.original_context_length", "yarn.original_max_position_embeddings"},
    {"rope.scaling.yarn_beta_fast", "yarn.beta"},
    {"rope.scaling.yarn_beta_slow", "yarn.alpha"},
    {"rope.scaling.yarn_log_multiplier", "yarn.apply_scale"},
    {"attention.temperature_scale", "llama_4_scaling.beta"},
    {"attention.temperature_length", "llama_4_scaling.original_max_position_embeddings"},
};

template <NameStyle style>
std::string tensor_name(std::string_view name) {
  return own_tensor_name(style, name);
}

}  // namespace

SourceNames source_names(NameStyle style, std::string path) {
  SourceNames names{.path = std::move(path), .keys = kHuggingFaceKeys, .tensor = nullptr};
  switch (style) {
    case NameStyle::kHuggingFace:
      names.tensor = tensor_name<NameStyle::kHuggingFace>;
      break;
    case NameStyle::kHuggingFaceGemma:
      names.tensor = tensor_name<NameStyle::kHuggingFaceGemma>;
      break;
    case NameStyle::kHuggingFaceSeed:
      names.tensor = tensor_name<NameStyle::kHuggingFaceSeed>;
      break;
    case NameStyle::kMistral:
      names.keys = kMistralKeys;
      names.tensor = tensor_name<NameStyle::kMistral>;
      break;
  }
  return names;
}

}  // namespace aquilon::formats
