#include <cmath>

#include "formats/hf_config_internal.h"
#include "formats/rope_keys_internal.h"

namespace aquilon::formats {
namespace {

constexpr std::uint64_t kMaxDim = 1u << 20;
constexpr std::uint64_t kMaxHeads = 1u << 12;
constexpr std::uint64_t kMaxLayers = 1u << 12;
constexpr std::uint64_t kMaxContext = 1u << 30;

// 0 of a table: the key must be there.
std::optional<std::uint64_t> unless_zero(std::uint64_t value) {
  return value == 0 ? std::nullopt : std::optional(value);
}

struct Shape {
  std::uint64_t dim, layers, heads, kv_heads, head_dim, hidden_dim, context;
  double eps;
};

Result<Shape> read_shape(const JsonFields& config, const HfFamily& family) {
  Shape shape{};
  shape.dim = AQ_TRY(config.count("hidden_size", 1, kMaxDim));
  shape.layers = AQ_TRY(config.count("num_hidden_layers", 1, kMaxLayers));
  shape.heads =
      AQ_TRY(config.count("num_attention_heads", 1, kMaxHeads, unless_zero(family.heads)));
  // null says: as many as there are queries, and: what is left for each.
  const bool own_kv = config.mentions("num_key_value_heads") || family.kv_heads == 0;
  const bool own_dim = config.mentions("head_dim") || family.head_dim == 0;
  shape.kv_heads = AQ_TRY(
      config.count("num_key_value_heads", 1, kMaxHeads, own_kv ? shape.heads : family.kv_heads));
  shape.head_dim = AQ_TRY(config.count(
      "head_dim", 1, kMaxHeads, own_dim ? unless_zero(shape.dim / shape.heads) : family.head_dim));
  shape.context =
      AQ_TRY(config.count("max_position_embeddings", 1, kMaxContext, unless_zero(family.context)));
  shape.hidden_dim = AQ_TRY(config.count("intermediate_size", 1, kMaxDim));
  shape.eps = AQ_TRY(config.positive("rms_norm_eps", family.eps));
  return shape;
}

Status put_experts(const JsonFields& config, const HfFamily& family, const std::string& prefix,
                   DescriptionBuilder& builder) {
  if (family.experts == HfExperts::kNone) return {};
  const bool mixtral = family.experts == HfExperts::kMixtral;
  // transformers 5 calls both num_local_experts.
  const std::uint64_t older = AQ_TRY(config.count("num_experts", 1, 65536, mixtral ? 8 : 128));
  const std::uint64_t experts = AQ_TRY(config.count("num_local_experts", 1, 65536, older));
  builder.put_count(prefix + "expert_count", experts);
  const std::uint64_t used =
      AQ_TRY(config.count("num_experts_per_tok", 1, experts, mixtral ? 2 : 8));
  builder.put_count(prefix + "expert_used_count", used);
  if (mixtral) return {};
  const std::uint64_t hidden = AQ_TRY(config.count("moe_intermediate_size", 1, kMaxDim, 768));
  builder.put_count(prefix + "expert_feed_forward_length", hidden);
  const bool normalised = AQ_TRY(config.flag("norm_topk_prob", false));
  // In GGUF the shares of the chosen add up to 1 unless a key says otherwise. Which layers have
  // experts (decoder_sparse_step, mlp_only_layers) their tensors say.
  if (!normalised) builder.put_flag(prefix + "expert_weights_norm", false);
  return {};
}

void put_shape(const Shape& shape, const std::string& prefix, DescriptionBuilder& builder) {
  builder.put_count(prefix + "context_length", shape.context);
  builder.put_count(prefix + "embedding_length", shape.dim);
  builder.put_count(prefix + "block_count", shape.layers);
  builder.put_count(prefix + "feed_forward_length", shape.hidden_dim);
  builder.put_count(prefix + "attention.head_count", shape.heads);
  builder.put_count(prefix + "attention.head_count_kv", shape.kv_heads);
  builder.put_count(prefix + "attention.key_length", shape.head_dim);
  builder.put_count(prefix + "attention.value_length", shape.head_dim);
  builder.put_f32(prefix + "attention.layer_norm_rms_epsilon", shape.eps);
}

// A part that other models have and none of ours; `neutral` is a value beside 0 that does nothing.
struct MissingPart {
  std::string_view key;
  std::string_view what;
  double neutral = 0;
};

constexpr MissingPart kMissingParts[] = {
    {"attn_logit_softcapping", "soft-capped attention"},
    {"final_logit_softcapping", "soft-capped logits"},
    {"use_bidirectional_attention", "tokens see those before them only"},
    {"add_cross_attention", "attention to another model's states"},
    {"mlp_bias", "biases of feed-forward blocks"},
    {"attention_out_bias", "a bias of attention's output"},
    {"use_bias", "biases of all matrices"},
    {"clip_qkv", "clamped queries, keys and values"},
    {"alibi", "positions by ALiBi"},
    {"use_alibi", "positions by ALiBi"},
    {"use_mrope", "positions of several axes"},
    {"use_parallel_residual", "attention and feed-forward side by side"},
    {"parallel_attn", "attention and feed-forward side by side"},
    {"attention_chunk_size", "attention in chunks"},
    {"num_kv_shared_layers", "layers that share keys and values"},
    {"kv_lora_rank", "latent attention"},
    {"q_lora_rank", "latent attention"},
    {"n_shared_experts", "experts that all tokens share"},
    {"num_shared_experts", "experts that all tokens share"},
    {"shared_expert_intermediate_size", "experts that all tokens share"},
    {"n_routed_experts", "this way of choosing experts"},
    {"n_group", "experts in groups", 1},
    {"routed_scaling_factor", "shares of experts that are scaled", 1},
    {"embedding_multiplier", "scaled embeddings", 1},
    {"residual_multiplier", "scaled residuals", 1},
    {"attention_multiplier", "another scale of attention"},
    {"logits_scaling", "scaled logits", 1},
    {"logit_scale", "scaled logits", 1},
    {"scale_emb", "scaled embeddings", 1},
};

// Whether tokens see those before them only, under either of the keys' names.
Status check_causal(const JsonFields& config) {
  for (const std::string_view key : {"is_causal", "causal"}) {
    const bool causal = AQ_TRY(config.flag(key, true));
    if (!causal) return config.unsupported(key, "tokens see those before them only");
  }
  return {};
}

Status check_activation(const JsonFields& config, const HfFamily& family) {
  const std::string_view want = family.gemma ? "gelu_pytorch_tanh" : "silu";
  for (const std::string_view key : {"hidden_act", "hidden_activation"}) {
    // Old Gemma files have the other under hidden_act, which is not read there.
    if (family.gemma && key == "hidden_act" && config.has("hidden_activation")) continue;
    const std::string activation = AQ_TRY(config.text(key, want));
    const bool same = activation == want || (want == "silu" && activation == "swish");
    if (!same) return config.unsupported(key, fmt::format("'{}' is", want));
  }
  return {};
}

// Settings that change answers and have only one value that we run.
Status refuse_what_we_lack(const JsonFields& config, const HfFamily& family) {
  AQ_RETURN_IF_ERROR(check_activation(config, family));
  AQ_RETURN_IF_ERROR(check_causal(config));
  for (const MissingPart& part : kMissingParts)
    AQ_RETURN_IF_ERROR(config.refuse(part.key, part.what, part.neutral));
  // With it the output of attention has one, too. Qwen 2 has its own three whatever the key says.
  if (!family.own_biases)
    AQ_RETURN_IF_ERROR(config.refuse("attention_bias", "biases of attention"));
  for (const std::string_view key : {"no_rope_layers", "no_rope_layer_interval"})
    if (family.nope_interval == 0) AQ_RETURN_IF_ERROR(config.refuse(key, "layers without RoPE"));
  if (family.experts != HfExperts::kNone) return {};
  for (const std::string_view key : {"num_experts", "num_local_experts"})
    AQ_RETURN_IF_ERROR(config.refuse(key, "this model_type has no experts"));
  return {};
}

// compressed-tensors says the rest in formats; those of FP8 are read.
Status check_compressed_format(const JsonFields& quantization) {
  constexpr std::string_view kRead = "float-quantized, naive-quantized and mxfp8-quantized are";
  const std::string format = AQ_TRY(quantization.text("format", "float-quantized"));
  if (format != "float-quantized" && format != "naive-quantized" && format != "mxfp8-quantized")
    return quantization.unsupported("format", kRead);
  const auto sparsity = AQ_TRY(quantization.object("sparsity_config"));
  if (!sparsity) return {};
  const std::string kind = AQ_TRY(sparsity->text("format", "dense"));
  return kind == "dense" ? Status() : sparsity->unsupported("format", "'dense' is");
}

// The ways of storing weights in fewer bits that we read: FP8.
Status read_quantization(const JsonFields& root, HfConfig& out) {
  const auto quantization = AQ_TRY(root.object("quantization_config"));
  if (!quantization) return {};
  const std::string method = AQ_TRY(quantization->text("quant_method", ""));
  if (method != "fp8" && method != "compressed-tensors")
    return quantization->unsupported("quant_method", "fp8 and compressed-tensors of FP8 are");
  if (method == "compressed-tensors") AQ_RETURN_IF_ERROR(check_compressed_format(*quantization));
  out.fp8 = true;
  const boost::json::value* size = quantization->find("weight_block_size");
  if (size == nullptr) return {};
  const bool pair = size->is_array() && size->get_array().size() == 2;
  std::uint64_t sides[2] = {0, 0};
  for (std::size_t i = 0; pair && i < 2; ++i) {
    const boost::json::value& side = size->get_array()[i];
    if (side.is_int64() && side.get_int64() > 0 && side.get_int64() <= 65536)
      sides[i] = static_cast<std::uint64_t>(side.get_int64());
  }
  if (sides[0] == 0 || sides[1] == 0)
    return quantization->wrong("weight_block_size", "a pair of whole numbers above 0");
  out.blocks = Fp8Blocks{sides[0], sides[1]};
  return {};
}

struct TextConfig {
  JsonFields config;
  std::string type;
};

// The text model's object: the root, or text_config in a multimodal model.
Result<TextConfig> find_text_config(const JsonFields& root) {
  const std::string type = AQ_TRY(root.text("model_type", ""));
  const std::string_view inner = hf_text_type(type);
  if (inner.empty()) return TextConfig{root, type};
  const auto text = AQ_TRY(root.object("text_config"));
  if (!text) return root.wrong("text_config", "an object");
  const std::string text_type = AQ_TRY(text->text("model_type", inner));
  return TextConfig{*text, text_type};
}

Result<std::optional<bool>> read_tied(const JsonFields& root, const JsonFields& config) {
  constexpr std::string_view kKey = "tie_word_embeddings";
  for (const JsonFields* fields : {&config, &root})
    if (fields->has(kKey)) return std::optional(AQ_TRY(fields->flag(kKey, false)));
  return std::optional<bool>();
}

}  // namespace

Result<HfConfig> put_hf_config(const JsonFields& root, DescriptionBuilder& builder) {
  const TextConfig text = AQ_TRY(find_text_config(root));
  const JsonFields& config = text.config;
  const HfFamily* family = find_hf_family(text.type);
  if (family == nullptr)
    return make_error(Code::kUnsupported, "{}: the model_type '{}' is not supported; supported: {}",
                      root.file(), text.type.substr(0, 80), hf_model_types());
  HfConfig out{.family = family};
  AQ_RETURN_IF_ERROR(refuse_what_we_lack(config, *family));
  AQ_RETURN_IF_ERROR(read_quantization(root, out));
  if (!out.fp8) AQ_RETURN_IF_ERROR(read_quantization(config, out));
  const Shape shape = AQ_TRY(read_shape(config, *family));
  const std::string prefix = std::string(family->architecture) + ".";
  builder.put_text("general.architecture", family->architecture);
  put_shape(shape, prefix, builder);
  builder.put_flag("aquilon.hf_rows", true);
  AQ_RETURN_IF_ERROR(put_hf_windows(config, *family, shape.layers, builder));
  AQ_RETURN_IF_ERROR(put_hf_rope_layers(config, *family, shape.layers, builder));
  AQ_RETURN_IF_ERROR(put_experts(config, *family, prefix, builder));
  AQ_RETURN_IF_ERROR(put_hf_rope(builder, config,
                                 {.prefix = prefix,
                                  .architecture = family->architecture,
                                  .head_dim = shape.head_dim,
                                  .context = shape.context,
                                  .theta = family->theta,
                                  .local_too = family->gemma}));
  out.tied = AQ_TRY(read_tied(root, config));
  if (config.has("vocab_size")) out.vocabulary = AQ_TRY(config.count("vocab_size", 1, 1u << 24));
  if (family->gemma) {
    // Scores are scaled by 1 / sqrt(head_dim), said once more for those who know the 27B by its
    // layers and would scale by what is in the query norm already.
    const double scalar = AQ_TRY(config.positive("query_pre_attn_scalar", 256));
    const auto head_dim = static_cast<double>(shape.head_dim);
    out.query_factor = static_cast<float>(std::sqrt(head_dim / scalar));
    if (out.query_factor != 1)
      builder.put_number(prefix + "attention.scale", 1 / std::sqrt(head_dim));
  }
  return out;
}

}  // namespace aquilon::formats
