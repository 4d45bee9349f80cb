#include <cmath>

#include "model/rope_config_internal.h"

namespace aquilon::model {
namespace {

using Scaling = RopeConfig::Scaling;

// Dynamic scaling in files that we write: other readers know no such type and see "none".
constexpr const char* kDynamicFactor = "aquilon.rope_dynamic_factor";

Result<Scaling> read_scaling(const ConfigReader& reader) {
  if (reader.file().find(kDynamicFactor) != nullptr) return Scaling::kDynamic;
  const bool stretched = reader.has("rope.scaling.factor") || reader.has("rope.scale_linear");
  const std::string_view type =
      AQ_TRY(reader.text_or("rope.scaling.type", stretched ? "linear" : "none"));
  if (type == "none") return Scaling::kNone;
  if (type == "linear") return Scaling::kLinear;
  if (type == "dynamic") return Scaling::kDynamic;
  if (type == "yarn") return Scaling::kYarn;
  return make_error(
      Code::kUnsupported,
      "{}: RoPE scaling '{}' is not supported; supported: none, linear, dynamic, yarn",
      reader.file().path(), type.substr(0, 100));
}

// How much attention is sharpened for a context that is stretched by the factor.
// Source: Peng et al. 2023, arXiv:2309.00071 section 3.4.
double magnitude(double factor, double multiplier) {
  return factor > 1 ? 0.1 * multiplier * std::log(factor) + 1 : 1;
}

Status read_yarn(const ConfigReader& reader, RopeConfig& rope) {
  rope.original_context = AQ_TRY(reader.count("rope.scaling.original_context_length", 1u << 30));
  rope.beta_fast = AQ_TRY(reader.positive_or("rope.scaling.yarn_beta_fast", 32));
  rope.beta_slow = AQ_TRY(reader.positive_or("rope.scaling.yarn_beta_slow", 1));
  // DeepSeek's form: the weights were trained with some of it.
  double trained = 0;
  if (reader.has("rope.scaling.yarn_log_multiplier"))
    trained = AQ_TRY(reader.file().get_float(reader.full("rope.scaling.yarn_log_multiplier")));
  rope.attention_factor *= magnitude(rope.factor, 1);
  if (trained != 0) rope.attention_factor /= magnitude(rope.factor, trained);
  return {};
}

Status read_scaled(const ConfigReader& reader, const ModelConfig& config, RopeConfig& rope) {
  rope.scaling = AQ_TRY(read_scaling(reader));
  if (rope.scaling == Scaling::kNone) return {};
  const double old_name = AQ_TRY(reader.positive_or("rope.scale_linear", 1));
  rope.factor = AQ_TRY(reader.positive_or("rope.scaling.factor", old_name));
  if (reader.file().find(kDynamicFactor) != nullptr)
    rope.factor = AQ_TRY(reader.file().get_float(kDynamicFactor));
  rope.attention_factor = AQ_TRY(reader.positive_or("rope.scaling.attn_factor", 1));
  if (rope.scaling == Scaling::kYarn) AQ_RETURN_IF_ERROR(read_yarn(reader, rope));
  if (rope.scaling == Scaling::kDynamic) {
    rope.original_context = AQ_TRY(
        reader.count_or("rope.scaling.original_context_length", 1u << 30, config.context_length));
    if (rope.dims < 4 || !(rope.factor >= 1))
      return make_error(Code::kCorrupt,
                        "{}: dynamic RoPE needs 4 dimensions and a factor of 1 at least, not {} "
                        "and {}",
                        reader.file().path(), rope.dims, rope.factor);
  }
  return {};
}

// Which layers turn, by the family's rule where the file does not say.
Result<std::vector<bool>> read_rope_layers(const ConfigReader& reader, const ModelConfig& config) {
  constexpr const char* kLayers = "aquilon.rope_layers";
  std::vector<bool> layers(config.n_layers, true);
  if (reader.file().find(kLayers) == nullptr) {
    const std::size_t period = config.family->nope_period;
    for (std::size_t i = period; period != 0 && i <= layers.size(); i += period)
      layers[i - 1] = false;
    return layers;
  }
  const auto* list = AQ_TRY(reader.file().get_array(kLayers, formats::GgufType::kBool));
  if (list->count != layers.size())
    return make_error(Code::kCorrupt, "{}: {} has {} elements for {} layers", reader.file().path(),
                      kLayers, list->count, layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) layers[i] = list->raw[i] != std::byte{0};
  return layers;
}

}  // namespace

Status read_rope(const ConfigReader& reader, ModelConfig& config) {
  constexpr const char* kRows = "aquilon.hf_rows";
  const bool hf_rows =
      reader.file().find(kRows) != nullptr && AQ_TRY(reader.file().get_bool(kRows));
  config.rope_layout = hf_rows ? config.family->hf_rope_layout : config.family->rope_layout;
  config.rope_layers = AQ_TRY(read_rope_layers(reader, config));
  RopeConfig rope;
  rope.theta = AQ_TRY(reader.positive_or("rope.freq_base", 10000));
  rope.dims = AQ_TRY(reader.count_or("rope.dimension_count", config.head_dim, config.head_dim));
  if (rope.dims % 2 != 0)
    return make_error(Code::kCorrupt, "{} is {}; it must be even",
                      reader.where("rope.dimension_count"), rope.dims);
  const double local_theta =
      AQ_TRY(reader.positive_or("rope.freq_base_swa", config.family->local_theta));
  if (local_theta > 0) {
    config.local_rope = rope;
    config.local_rope->theta = local_theta;
  }
  AQ_RETURN_IF_ERROR(read_scaled(reader, config, rope));
  constexpr const char* kFinalFactor = "aquilon.rope_attention_factor";
  if (reader.file().find(kFinalFactor) != nullptr) {
    rope.attention_factor = AQ_TRY(reader.file().get_float(kFinalFactor));
    if (!(rope.attention_factor > 0))
      return make_error(Code::kCorrupt, "{}: {} is {}; it must be above 0", reader.file().path(),
                        kFinalFactor, rope.attention_factor);
  }
  config.rope = rope;
  return {};
}

}  // namespace aquilon::model
