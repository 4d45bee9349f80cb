// Mistral's params.json. Its keys and what mistral-inference takes missing ones for.
#include <algorithm>

#include "formats/companions_internal.h"
#include "formats/folder_layouts_internal.h"
#include "formats/hf_config_internal.h"
#include "formats/rope_keys_internal.h"
#include "formats/source_names_internal.h"
#include "formats/weight_assembly_internal.h"

namespace aquilon::formats {
namespace {

constexpr std::uint64_t kMaxContext = 1u << 30;
constexpr std::uint64_t kDefaultContext = 32768;  // of the models whose file does not say

// One window, for all layers or a repeating list of them (null: none).
struct Windows {
  std::uint64_t size = 0;   // 0: no layer has one
  std::vector<bool> local;  // a layer; empty: all alike
};

Status read_window_list(const JsonFields& params, std::string_view key,
                        const boost::json::array& list, std::uint64_t layers, Windows& out) {
  if (list.empty() || layers % list.size() != 0)
    return params.wrong(key, fmt::format("a list whose length divides the {} layers", layers));
  for (const boost::json::value& entry : list) {
    const bool valid = entry.is_int64() && entry.get_int64() > 0 && entry.get_int64() < 1 << 30;
    if (!valid && !entry.is_null()) return params.wrong(key, "a list of windows and nulls");
    out.local.push_back(valid);
    if (!valid) continue;
    const auto size = static_cast<std::uint64_t>(entry.get_int64());
    if (out.size != 0 && out.size != size)
      return params.unsupported(key, "all layers with a window have the same here");
    out.size = size;
  }
  for (std::uint64_t i = list.size(); i < layers; ++i)
    out.local.push_back(out.local[i - list.size()]);
  if (std::count(out.local.begin(), out.local.end(), false) == 0) out.local.clear();
  return {};
}

Result<Windows> read_windows(const JsonFields& params, std::uint64_t layers) {
  Windows out;
  for (const std::string_view key : {"sliding_window", "_sliding_window"}) {
    const boost::json::value* value = params.find(key);
    if (value == nullptr) continue;
    if (value->is_array())
      AQ_RETURN_IF_ERROR(read_window_list(params, key, value->get_array(), layers, out));
    else
      out.size = AQ_TRY(params.count(key, 1, kMaxContext));
    return out;
  }
  return out;
}

struct Yarn {
  YarnKeys keys;
  bool apply_scale;
};

Result<std::optional<Yarn>> read_yarn(const JsonFields& params) {
  const auto fields = AQ_TRY(params.object("yarn"));
  if (!fields) return std::optional<Yarn>();
  AQ_RETURN_IF_ERROR(
      fields->only({"factor", "original_max_position_embeddings", "beta", "alpha", "apply_scale"}));
  Yarn yarn{};
  yarn.keys.factor = AQ_TRY(fields->positive("factor"));
  yarn.keys.original_context =
      AQ_TRY(fields->count("original_max_position_embeddings", 1, kMaxContext));
  yarn.keys.beta_fast = AQ_TRY(fields->positive("beta", 32));
  yarn.keys.beta_slow = AQ_TRY(fields->positive("alpha", 1));
  yarn.apply_scale = AQ_TRY(fields->flag("apply_scale", true));
  return std::optional(yarn);
}

// Queries that grow with the position: Llama 4's, as Ministral 3 has them.
struct Temperature {
  double beta;
  std::uint64_t length;
};

Result<std::optional<Temperature>> read_temperature(const JsonFields& params) {
  const auto fields = AQ_TRY(params.object("llama_4_scaling"));
  if (!fields) return std::optional<Temperature>();
  AQ_RETURN_IF_ERROR(fields->only({"beta", "original_max_position_embeddings"}));
  Temperature temperature{};
  temperature.beta = AQ_TRY(fields->positive("beta"));
  temperature.length = AQ_TRY(fields->count("original_max_position_embeddings", 1, kMaxContext));
  return std::optional(temperature);
}

// 7B v0.1 has a window and no rope_theta: its base is 1e4. Later files without the key mean 1e6.
Result<double> read_theta(const JsonFields& params, const Windows& windows) {
  return params.positive("rope_theta", windows.size != 0 && windows.local.empty() ? 1e4 : 1e6);
}

Status put_positions(const JsonFields& params, const std::string& prefix, const Windows& windows,
                     const std::optional<Yarn>& yarn, const std::optional<Temperature>& temperature,
                     DescriptionBuilder& builder) {
  const double theta = AQ_TRY(read_theta(params, windows));
  builder.put_f32(prefix + "rope.freq_base", theta);
  builder.put_flag("aquilon.hf_rows", false);
  if (windows.size != 0) builder.put_count(prefix + "attention.sliding_window", windows.size);
  if (!windows.local.empty())
    builder.put_flags(prefix + "attention.sliding_window_pattern", windows.local);
  if (yarn) put_yarn(builder, prefix, yarn->keys);
  if (yarn && !yarn->apply_scale) {
    builder.put_f32(prefix + "rope.scaling.yarn_log_multiplier", 1);
    builder.put_number("aquilon.rope_attention_factor", 1);
  }
  if (!temperature) return {};
  builder.put_f32(prefix + "attention.temperature_scale", temperature->beta);
  if (!yarn || yarn->keys.original_context != temperature->length)
    builder.put_count(prefix + "attention.temperature_length", temperature->length);
  return {};
}

Status put_shape(const JsonFields& params, std::uint64_t layers, const std::optional<Yarn>& yarn,
                 const std::string& prefix, DescriptionBuilder& builder) {
  const std::uint64_t dim = AQ_TRY(params.count("dim", 1, 1u << 20));
  const std::uint64_t heads = AQ_TRY(params.count("n_heads", 1, 4096));
  const std::uint64_t kv_heads = AQ_TRY(params.count("n_kv_heads", 1, 4096, heads));
  const std::uint64_t head_dim =
      AQ_TRY(params.count("head_dim", 1, 4096, std::max<std::uint64_t>(1, dim / heads)));
  const std::uint64_t hidden = AQ_TRY(params.count("hidden_dim", 1, 1u << 20));
  const double eps = AQ_TRY(params.positive("norm_eps", 1e-5));
  const double stretched =
      yarn ? yarn->keys.factor * static_cast<double>(yarn->keys.original_context) : 0;
  const std::uint64_t fallback = yarn && stretched <= kMaxContext
                                     ? static_cast<std::uint64_t>(std::max(1.0, stretched))
                                     : kDefaultContext;
  const std::uint64_t newer =
      AQ_TRY(params.count("max_position_embeddings", 1, kMaxContext, fallback));
  const std::uint64_t context = AQ_TRY(params.count("max_seq_len", 1, kMaxContext, newer));
  builder.put_count(prefix + "context_length", context);
  builder.put_count(prefix + "embedding_length", dim);
  builder.put_count(prefix + "block_count", layers);
  builder.put_count(prefix + "feed_forward_length", hidden);
  builder.put_count(prefix + "attention.head_count", heads);
  builder.put_count(prefix + "attention.head_count_kv", kv_heads);
  builder.put_count(prefix + "attention.key_length", head_dim);
  builder.put_count(prefix + "attention.value_length", head_dim);
  builder.put_count(prefix + "rope.dimension_count", head_dim);
  builder.put_f32(prefix + "attention.layer_norm_rms_epsilon", eps);
  return {};
}

// Experts that are chosen and added up in other ways are refused. Which layers have none, their
// tensors say.
Status read_plain_mixture(const JsonFields& moe) {
  AQ_RETURN_IF_ERROR(moe.refuse("num_shared_experts", "experts that all tokens share"));
  AQ_RETURN_IF_ERROR(moe.refuse("num_expert_groups", "experts in groups", 1));
  AQ_RETURN_IF_ERROR(moe.refuse("num_expert_groups_per_tok", "experts in groups", 1));
  AQ_RETURN_IF_ERROR(moe.refuse("routed_scale", "shares of experts are not scaled here", 1));
  return moe.only({"num_experts", "num_experts_per_tok", "num_shared_experts", "num_expert_groups",
                   "num_expert_groups_per_tok", "routed_scale", "first_k_dense_replace",
                   "route_every_n"});
}

Status put_experts(const JsonFields& params, const std::string& prefix,
                   DescriptionBuilder& builder) {
  const auto moe = AQ_TRY(params.object("moe"));
  if (!moe) return {};
  AQ_RETURN_IF_ERROR(read_plain_mixture(*moe));
  const std::uint64_t experts = AQ_TRY(moe->count("num_experts", 1, 65536));
  const std::uint64_t used = AQ_TRY(moe->count("num_experts_per_tok", 1, experts));
  builder.put_count(prefix + "expert_count", experts);
  builder.put_count(prefix + "expert_used_count", used);
  return {};
}

// Whether weights are FP8; other ways of storing them are refused.
Result<bool> read_fp8(const JsonFields& params) {
  const auto quantization = AQ_TRY(params.object("quantization"));
  if (!quantization) return false;
  AQ_RETURN_IF_ERROR(quantization->only({"qformat_weight", "qscheme_act"}));
  const std::string format = AQ_TRY(quantization->text("qformat_weight", ""));
  if (format == "fp8_e4m3") return true;
  return quantization->unsupported("qformat_weight", "fp8_e4m3 is");
}

// Adapters are merged into the weights, or not there at all.
Status refuse_adapters(const JsonFields& params) {
  const auto lora = AQ_TRY(params.object("lora"));
  if (!lora) return {};
  const bool enabled = AQ_TRY(lora->flag("enable", true));
  if (!enabled) return {};
  return make_error(Code::kUnsupported,
                    "{}: 'lora' says that the weights need an adapter, which is not supported; "
                    "merge it into them",
                    params.file());
}

// Parts of models whose layers are others than these, and whatever key we do not know: the list is
// Mistral's own and short, and a part that is left out gives wrong answers. Vision towers are left
// out of the weights, too: text is computed without them.
Status refuse_what_we_lack(const JsonFields& params) {
  for (const std::string_view key :
       {"q_lora_rank", "kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"})
    AQ_RETURN_IF_ERROR(params.refuse(key, "latent attention is not run"));
  AQ_RETURN_IF_ERROR(params.refuse("use_biases", ""));
  if (params.has("rope_scaling"))
    return params.unsupported("rope_scaling", "'yarn' is, in these files");
  const bool causal = AQ_TRY(params.flag("causal", true));
  if (!causal) return params.unsupported("causal", "tokens see those before them only");
  const std::string type = AQ_TRY(params.text("model_type", "transformer"));
  if (type != "transformer") return params.unsupported("model_type", "'transformer' is");
  AQ_RETURN_IF_ERROR(refuse_adapters(params));
  return params.only({"dim", "n_layers", "head_dim", "hidden_dim", "n_heads", "n_kv_heads",
                      "norm_eps", "vocab_size", "rope_theta", "rope_scaling", "sliding_window",
                      "_sliding_window", "max_position_embeddings", "max_seq_len", "yarn",
                      "llama_4_scaling", "moe", "quantization", "tied_embeddings", "causal", "lora",
                      "use_biases", "q_lora_rank", "kv_lora_rank", "qk_nope_head_dim",
                      "qk_rope_head_dim", "v_head_dim",
                      // of no effect on text
                      "model_type", "vision_encoder", "max_batch_size", "dtype", "name"});
}

}  // namespace

Result<GgufFile> describe_mistral(FolderFiles folder) {
  const std::string path = folder.path_of("params.json");
  const std::string text = AQ_TRY(folder.text("params.json", kMaxConfigBytes));
  const boost::json::object object = AQ_TRY(read_json_object(text, path));
  const JsonFields params(object, path);
  AQ_RETURN_IF_ERROR(refuse_what_we_lack(params));
  const std::uint64_t layers = AQ_TRY(params.count("n_layers", 1, 4096));
  const Windows windows = AQ_TRY(read_windows(params, layers));
  const auto yarn = AQ_TRY(read_yarn(params));
  const auto temperature = AQ_TRY(read_temperature(params));
  const std::string architecture = temperature ? "mistral3" : "llama";
  const std::string prefix = architecture + ".";
  DescriptionBuilder builder(folder.path());
  builder.put_text("general.architecture", architecture);
  AQ_RETURN_IF_ERROR(put_shape(params, layers, yarn, prefix, builder));
  AQ_RETURN_IF_ERROR(put_positions(params, prefix, windows, yarn, temperature, builder));
  AQ_RETURN_IF_ERROR(put_experts(params, prefix, builder));
  const WeightFiles weights = AQ_TRY(WeightFiles::open(folder, "consolidated"));
  AssemblyRules rules{.style = NameStyle::kMistral, .architecture = architecture};
  rules.fp8 = AQ_TRY(read_fp8(params));
  if (params.has("tied_embeddings")) rules.tied = AQ_TRY(params.flag("tied_embeddings", false));
  builder.set_names(source_names(NameStyle::kMistral, path));
  const std::uint64_t rows = AQ_TRY(assemble_weights(folder, weights, rules, builder));
  const std::uint64_t vocabulary = AQ_TRY(params.count("vocab_size", 1, 1u << 24, rows));
  if (vocabulary != rows)
    return make_error(Code::kCorrupt, "{}: vocab_size is {}, the embeddings have {} rows", path,
                      vocabulary, rows);
  return finish_folder(folder, weights, architecture, rows, std::move(builder));
}

}  // namespace aquilon::formats
