#include "model/config.h"

#include <algorithm>
#include <cmath>

#include "model/config_reader_internal.h"
#include "model/rope_config_internal.h"
#include "model/windows_internal.h"

namespace aquilon::model {
namespace {

using formats::GgufFile;
using kernels::RopeLayout;

constexpr Family kFamilies[] = {
    {.architecture = "llama"},  // also Mistral's and Mixtral's
    {.architecture = "mistral3"},
    {.architecture = "qwen2", .rope_layout = RopeLayout::kHalves, .qkv_bias = true},
    {.architecture = "qwen3", .rope_layout = RopeLayout::kHalves, .qk_norms = true},
    {.architecture = "qwen3moe", .rope_layout = RopeLayout::kHalves, .qk_norms = true},
    {.architecture = "gemma3",
     .rope_layout = RopeLayout::kHalves,
     .qk_norms = true,
     .sandwich_norms = true,
     .scaled_embeddings = true,
     .activation = Activation::kGeluTanh,
     .window_pattern = 6,
     .local_theta = 10000,
     .wide_scale_layers = 62},  // the 27B
    {.architecture = "seed_oss", .rope_layout = RopeLayout::kHalves, .qkv_bias = true},
    {.architecture = "ernie4_5", .hf_rope_layout = RopeLayout::kInterleaved},
    {.architecture = "smollm3", .nope_period = 4},
};

Result<const Family*> find_family(const GgufFile& file, std::span<const Family> known) {
  const std::string_view name = AQ_TRY(file.get_string("general.architecture"));
  std::string names;
  for (const Family& family : known) {
    if (family.architecture == name) return &family;
    names += (names.empty() ? "" : ", ") + std::string(family.architecture);
  }
  return make_error(Code::kUnsupported, "{}: the architecture '{}' is not supported; supported: {}",
                    file.path(), name, names);
}

Status refuse_what_we_lack(const ConfigReader& reader) {
  struct {
    const char* key;
    const char* what;
  } const parts[] = {
      {"expert_shared_count", "experts that all tokens share"},
      {"expert_group_count", "experts in groups"},
      {"attention.kv_lora_rank", "latent attention"},
      {"attention.max_alibi_bias", "ALiBi"},
      {"attention.clamp_kqv", "clamped keys and values"},
      {"attn_logit_softcapping", "soft-capped attention"},
      {"final_logit_softcapping", "soft-capped logits"},
      {"use_parallel_residual", "attention and feed-forward side by side"},
  };
  for (const auto& part : parts) AQ_RETURN_IF_ERROR(reader.refuse(part.key, part.what));
  return {};
}

Status read_heads(const ConfigReader& reader, ModelConfig& config) {
  config.n_heads = AQ_TRY(reader.count("attention.head_count", 1u << 12));
  config.n_kv_heads = AQ_TRY(reader.count_or("attention.head_count_kv", 1u << 12, config.n_heads));
  if (config.n_heads % config.n_kv_heads != 0)
    return make_error(Code::kCorrupt,
                      "{} is {}: attention heads do not divide among {} key/value heads",
                      reader.where("attention.head_count"), config.n_heads, config.n_kv_heads);
  const std::size_t head_dim = std::max<std::size_t>(1, config.dim / config.n_heads);
  config.head_dim = AQ_TRY(reader.count_or("attention.key_length", 1u << 12, head_dim));
  const std::size_t value_dim =
      AQ_TRY(reader.count_or("attention.value_length", 1u << 12, config.head_dim));
  if (value_dim != config.head_dim)
    return make_error(Code::kUnsupported,
                      "{}: keys of {} and values of {} per head are not supported",
                      reader.file().path(), config.head_dim, value_dim);
  if (config.family->wide_scale_layers == config.n_layers)
    config.attention_scale =
        1 / std::sqrt(static_cast<double>(config.dim) / static_cast<double>(config.n_heads));
  config.attention_scale = AQ_TRY(reader.positive_or("attention.scale", config.attention_scale));
  return {};
}

Result<ExpertsConfig> read_experts(const ConfigReader& reader, const ModelConfig& config) {
  ExpertsConfig experts;
  if (AQ_TRY(reader.count_or_none("expert_count", 1u << 12)) == 0) return experts;
  experts.count = AQ_TRY(reader.count("expert_count", 1u << 12));
  experts.used = AQ_TRY(reader.count("expert_used_count", experts.count));
  experts.hidden_dim =
      AQ_TRY(reader.count_or("expert_feed_forward_length", 1u << 20, config.hidden_dim));
  experts.renormalised = AQ_TRY(reader.flag_or("expert_weights_norm", true));
  experts.scale = static_cast<float>(AQ_TRY(reader.positive_or("expert_weights_scale", 1)));
  constexpr std::size_t kSigmoid = 2;  // GGUF's number; the others are softmax
  if (AQ_TRY(reader.count_or_none("expert_gating_func", 255)) == kSigmoid)
    return make_error(Code::kUnsupported,
                      "{}: this model chooses experts by sigmoids ({}), which is not supported yet",
                      reader.file().path(), reader.full("expert_gating_func"));
  return experts;
}

// Source: the attention scaling of Llama 4, which Ministral 3 has too.
Result<TemperatureConfig> read_temperature(const ConfigReader& reader, const RopeConfig& rope) {
  TemperatureConfig temperature;
  if (!reader.has("attention.temperature_scale")) return temperature;
  temperature.scale = AQ_TRY(reader.file().get_float(reader.full("attention.temperature_scale")));
  if (temperature.scale == 0) return temperature;
  temperature.length =
      AQ_TRY(reader.count_or("attention.temperature_length", 1u << 30, rope.original_context));
  if (temperature.length == 0)
    return make_error(Code::kCorrupt, "{} needs {}", reader.where("attention.temperature_scale"),
                      reader.where("rope.scaling.original_context_length"));
  return temperature;
}

}  // namespace

std::span<const Family> families() {
  return kFamilies;
}

Result<ModelConfig> read_config(const GgufFile& file, std::span<const Family> known) {
  ModelConfig config;
  config.family = AQ_TRY(find_family(file, known));
  const ConfigReader reader(file, config.family->architecture);
  AQ_RETURN_IF_ERROR(refuse_what_we_lack(reader));
  if (const auto name = file.get_string("general.name"); name.ok()) config.name = *name;
  config.dim = AQ_TRY(reader.count("embedding_length", 1u << 17));
  config.n_layers = AQ_TRY(reader.count("block_count", 1u << 12));
  config.hidden_dim = AQ_TRY(reader.count("feed_forward_length", 1u << 20));
  config.context_length = AQ_TRY(reader.count("context_length", 1u << 24));
  config.norm_eps = static_cast<float>(AQ_TRY(reader.positive("attention.layer_norm_rms_epsilon")));
  AQ_RETURN_IF_ERROR(read_heads(reader, config));
  config.windows = AQ_TRY(read_windows(reader, *config.family, config.n_layers));
  AQ_RETURN_IF_ERROR(read_rope(reader, config));
  if (config.rope.scaling ==
      RopeConfig::Scaling::kDynamic) {  // made for more than it was trained on
    const double stretched = config.rope.factor * static_cast<double>(config.rope.original_context);
    config.context_length =
        std::max(config.context_length, static_cast<std::size_t>(std::min(stretched, 0x1p24)));
  }
  config.experts = AQ_TRY(read_experts(reader, config));
  config.temperature = AQ_TRY(read_temperature(reader, config.rope));
  return config;
}

}  // namespace aquilon::model
