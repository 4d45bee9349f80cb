#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "formats/tensor_names_internal.h"

namespace aquilon::formats {
namespace {

using Values = TensorMeaning::Values;

// A tensor of a layer, behind "layers.N."; '*' stands for the number of an expert.
struct Rule {
  std::string_view from;
  std::string_view to;  // behind "blk.N."
  Values values = Values::kAsStored;
};

constexpr Rule kHuggingFace[] = {
    {"input_layernorm.weight", "attn_norm.weight"},
    {"self_attn.q_proj.weight", "attn_q.weight"},
    {"self_attn.k_proj.weight", "attn_k.weight"},
    {"self_attn.v_proj.weight", "attn_v.weight"},
    {"self_attn.o_proj.weight", "attn_output.weight"},
    {"self_attn.q_proj.bias", "attn_q.bias"},
    {"self_attn.k_proj.bias", "attn_k.bias"},
    {"self_attn.v_proj.bias", "attn_v.bias"},
    {"self_attn.o_proj.bias", "attn_output.bias"},
    {"self_attn.q_norm.weight", "attn_q_norm.weight"},
    {"self_attn.k_norm.weight", "attn_k_norm.weight"},
    {"post_attention_layernorm.weight", "ffn_norm.weight"},
    {"mlp.gate_proj.weight", "ffn_gate.weight"},
    {"mlp.up_proj.weight", "ffn_up.weight"},
    {"mlp.down_proj.weight", "ffn_down.weight"},
    {"mlp.gate_proj.bias", "ffn_gate.bias"},
    {"mlp.up_proj.bias", "ffn_up.bias"},
    {"mlp.down_proj.bias", "ffn_down.bias"},
    // Qwen's experts, and Mixtral's
    {"mlp.gate.weight", "ffn_gate_inp.weight"},
    {"mlp.experts.*.gate_proj.weight", "ffn_gate.*.weight"},
    {"mlp.experts.*.up_proj.weight", "ffn_up.*.weight"},
    {"mlp.experts.*.down_proj.weight", "ffn_down.*.weight"},
    {"block_sparse_moe.gate.weight", "ffn_gate_inp.weight"},
    {"block_sparse_moe.experts.*.w1.weight", "ffn_gate.*.weight"},
    {"block_sparse_moe.experts.*.w3.weight", "ffn_up.*.weight"},
    {"block_sparse_moe.experts.*.w2.weight", "ffn_down.*.weight"},
};

// Before those of kHuggingFace.
constexpr Rule kGemma[] = {
    {"input_layernorm.weight", "attn_norm.weight", Values::kLessOne},
    {"self_attn.q_norm.weight", "attn_q_norm.weight", Values::kQueryNorm},
    {"self_attn.k_norm.weight", "attn_k_norm.weight", Values::kLessOne},
    {"post_attention_layernorm.weight", "post_attention_norm.weight", Values::kLessOne},
    {"pre_feedforward_layernorm.weight", "ffn_norm.weight", Values::kLessOne},
    {"post_feedforward_layernorm.weight", "post_ffw_norm.weight", Values::kLessOne},
};

// Before those of kHuggingFace.
constexpr Rule kSeed[] = {
    {"post_attention_layernorm.weight", "post_attention_norm.weight"},
};

constexpr Rule kMistral[] = {
    {"attention_norm.weight", "attn_norm.weight"},
    {"attention.wq.weight", "attn_q.weight"},
    {"attention.wk.weight", "attn_k.weight"},
    {"attention.wv.weight", "attn_v.weight"},
    {"attention.wo.weight", "attn_output.weight"},
    {"ffn_norm.weight", "ffn_norm.weight"},
    {"feed_forward.w1.weight", "ffn_gate.weight"},
    {"feed_forward.w3.weight", "ffn_up.weight"},
    {"feed_forward.w2.weight", "ffn_down.weight"},
    {"feed_forward.gate.weight", "ffn_gate_inp.weight"},
    {"feed_forward.experts.*.w1.weight", "ffn_gate.*.weight"},
    {"feed_forward.experts.*.w3.weight", "ffn_up.*.weight"},
    {"feed_forward.experts.*.w2.weight", "ffn_down.*.weight"},
};

constexpr std::string_view kLeftOutPrefixes[] = {
    "vision_tower.",         "multi_modal_projector.",
    "model.vision_tower.",   "vision_encoder.",
    "patch_merger.",         "model.multi_modal_projector.",
    "pre_mm_projector_norm", "vision_language_adapter.",
};

// Factors of FP8 weights are read with the weights. Those of activations and of cached keys serve
// engines that compute in FP8; we don't.
constexpr std::string_view kLeftOutSuffixes[] = {
    ".rotary_emb.inv_freq", ".weight_scale",     ".weight_scale_inv",
    ".input_scale",         ".activation_scale", ".qscale_act",
    ".qscale_weight",       ".k_scale",          ".v_scale",
};

// What a style calls otherwise than kHuggingFace does.
std::span<const Rule> own_rules(NameStyle style) {
  switch (style) {
    case NameStyle::kHuggingFaceGemma:
      return kGemma;
    case NameStyle::kHuggingFaceSeed:
      return kSeed;
    default:
      return {};
  }
}

// Takes a number of at most six digits off the front; empty if there is none.
std::string_view take_digits(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  if (end > 6 || (end > 1 && text[0] == '0')) return {};
  const std::string_view digits = text.substr(0, end);
  text.remove_prefix(end);
  return digits;
}

// The rule's target with the expert's number in it, or nothing.
std::optional<std::string> apply(const Rule& rule, std::string_view name) {
  const std::size_t star = rule.from.find('*');
  if (star == rule.from.npos)
    return rule.from == name ? std::optional(std::string(rule.to)) : std::nullopt;
  if (!name.starts_with(rule.from.substr(0, star))) return std::nullopt;
  name.remove_prefix(star);
  const std::string_view expert = take_digits(name);
  if (expert.empty() || name != rule.from.substr(star + 1)) return std::nullopt;
  const std::size_t at = rule.to.find('*');
  return fmt::format("{}{}{}", rule.to.substr(0, at), expert, rule.to.substr(at + 1));
}

// Targets of a layer that the rules give back as they were called; nothing where none fits.
std::optional<std::string> layer_source(std::span<const Rule> rules, std::string_view name) {
  for (const Rule& rule : rules)
    if (auto from = apply({.from = rule.to, .to = rule.from}, name)) return from;
  return std::nullopt;
}

std::optional<TensorMeaning> layer_meaning(std::span<const Rule> rules, std::string_view name) {
  if (!name.starts_with("layers.")) return std::nullopt;
  name.remove_prefix(7);
  const std::string_view layer = take_digits(name);
  if (layer.empty() || !name.starts_with('.')) return std::nullopt;
  name.remove_prefix(1);
  for (const Rule& rule : rules)
    if (const auto to = apply(rule, name))
      return TensorMeaning{fmt::format("blk.{}.{}", layer, *to), rule.values};
  return std::nullopt;
}

std::optional<TensorMeaning> mistral_meaning(std::string_view name) {
  if (name == "tok_embeddings.weight") return TensorMeaning{"token_embd.weight"};
  if (name == "norm.weight") return TensorMeaning{"output_norm.weight"};
  if (name == "output.weight") return TensorMeaning{"output.weight"};
  return layer_meaning(kMistral, name);
}

std::optional<TensorMeaning> hugging_face_meaning(NameStyle style, std::string_view name) {
  if (name == "lm_head.weight" || name == "language_model.lm_head.weight")
    return TensorMeaning{"output.weight"};
  for (const std::string_view prefix : {"language_model.model.", "model.language_model.", "model."})
    if (name.starts_with(prefix)) {
      name.remove_prefix(prefix.size());
      if (name == "embed_tokens.weight") return TensorMeaning{"token_embd.weight"};
      if (name == "norm.weight")
        return TensorMeaning{"output_norm.weight", style == NameStyle::kHuggingFaceGemma
                                                       ? Values::kLessOne
                                                       : Values::kAsStored};
      const auto meaning = layer_meaning(own_rules(style), name);
      return meaning ? meaning : layer_meaning(kHuggingFace, name);
    }
  return std::nullopt;
}

}  // namespace

std::optional<TensorMeaning> meaning_of(NameStyle style, std::string_view name) {
  for (const std::string_view prefix : kLeftOutPrefixes)
    if (name.starts_with(prefix)) return TensorMeaning{.values = Values::kLeftOut};
  for (const std::string_view suffix : kLeftOutSuffixes)
    if (name.ends_with(suffix)) return TensorMeaning{.values = Values::kLeftOut};
  if (style == NameStyle::kMistral) return mistral_meaning(name);
  return hugging_face_meaning(style, name);
}

std::string own_tensor_name(NameStyle style, std::string_view name) {
  const bool mistral = style == NameStyle::kMistral;
  if (name == "token_embd.weight")
    return mistral ? "tok_embeddings.weight" : "model.embed_tokens.weight";
  if (name == "output_norm.weight") return mistral ? "norm.weight" : "model.norm.weight";
  if (name == "output.weight") return mistral ? "output.weight" : "lm_head.weight";
  std::string_view rest = name;
  if (!rest.starts_with("blk.")) return std::string(name);
  rest.remove_prefix(4);
  const std::string_view layer = take_digits(rest);
  if (layer.empty() || !rest.starts_with('.')) return std::string(name);
  rest.remove_prefix(1);
  std::optional<std::string> own = layer_source(own_rules(style), rest);
  if (!own) own = mistral ? layer_source(kMistral, rest) : layer_source(kHuggingFace, rest);
  if (!own) return std::string(name);
  return fmt::format("{}layers.{}.{}", mistral ? "" : "model.", layer, *own);
}

}  // namespace aquilon::formats
