#include <cmath>
#include <numbers>

#include "formats/rope_keys_internal.h"

namespace aquilon::formats {
namespace {

constexpr std::uint64_t kMaxContext = 1u << 30;
constexpr std::string_view kSupported = "supported: default, linear, dynamic, yarn, llama3";

// The object that scales and the base that goes with it.
struct RopeSource {
  std::optional<JsonFields> scaling;
  double theta;
};

Result<std::string> rope_type(const JsonFields& rope) {
  const std::string old_name = AQ_TRY(rope.text("type", "default"));
  return rope.text("rope_type", old_name);
}

// Objects by kind of layer, as Gemma has them.
bool is_nested(const JsonFields& parameters) {
  return parameters.has("full_attention") || parameters.has("sliding_attention");
}

Result<RopeSource> full_source(const JsonFields& config, double theta) {
  RopeSource source{};
  source.theta = AQ_TRY(config.positive("rope_theta", theta));
  source.scaling = AQ_TRY(config.object("rope_parameters"));
  if (source.scaling && is_nested(*source.scaling)) {
    const auto full = AQ_TRY(source.scaling->object("full_attention"));
    source.scaling = full;
  } else if (!source.scaling) {
    source.scaling = AQ_TRY(config.object("rope_scaling"));
  }
  if (source.scaling) source.theta = AQ_TRY(source.scaling->positive("rope_theta", source.theta));
  return source;
}

// What Ministral 3 has where its configuration says nothing.
const boost::json::object& ministral3_rope() {
  static const boost::json::object kRope = {
      {"rope_type", "yarn"},
      {"factor", 16.0},
      {"original_max_position_embeddings", 16384},
      {"beta_fast", 32.0},
      {"beta_slow", 1.0},
      {"mscale", 1.0},
      {"mscale_all_dim", 1.0},
      {"llama_4_scaling_beta", 0.1},
  };
  return kRope;
}

// The base of the window layers, which are never scaled.
Result<double> local_theta(const JsonFields& config) {
  const double otherwise = AQ_TRY(config.positive("rope_local_base_freq", 10000));
  const auto parameters = AQ_TRY(config.object("rope_parameters"));
  if (!parameters) return otherwise;
  const auto local = AQ_TRY(parameters->object("sliding_attention"));
  if (!local) return otherwise;
  const std::string type = AQ_TRY(rope_type(*local));
  if (type != "default") return local->unsupported("rope_type", "for sliding_attention");
  return local->positive("rope_theta", otherwise);
}

// Positions that the model was trained on before it was stretched. Some configurations have the key
// on top, and it wins there.
Result<std::uint64_t> original_context(const JsonFields& config, const JsonFields& rope,
                                       std::uint64_t context) {
  constexpr std::string_view kKey = "original_max_position_embeddings";
  const std::uint64_t own = AQ_TRY(rope.count(kKey, 1, kMaxContext, context));
  return config.count(kKey, 1, kMaxContext, own);
}

Status put_hf_yarn(DescriptionBuilder& builder, const JsonFields& config, const JsonFields& rope,
                   const RopeShape& shape) {
  YarnKeys yarn{};
  yarn.original_context = AQ_TRY(original_context(config, rope, shape.context));
  const double stretch =
      static_cast<double>(shape.context) / static_cast<double>(yarn.original_context);
  yarn.factor = AQ_TRY(rope.positive("factor", stretch));
  yarn.beta_fast = AQ_TRY(rope.positive("beta_fast", 32));
  yarn.beta_slow = AQ_TRY(rope.positive("beta_slow", 1));
  const bool truncate = AQ_TRY(rope.flag("truncate", true));
  if (!truncate) return rope.unsupported("truncate", "bounds of YaRN that are no whole dimensions");
  put_yarn(builder, shape.prefix, yarn);
  const bool explicit_factor = rope.has("attention_factor");
  const bool magnitudes = rope.has("mscale") && rope.has("mscale_all_dim");
  const double scale = AQ_TRY(rope.positive("mscale", 1));
  const double all = AQ_TRY(rope.positive("mscale_all_dim", 1));
  const double computed =
      magnitudes ? yarn_magnitude(yarn.factor, scale) / yarn_magnitude(yarn.factor, all)
                 : yarn_magnitude(yarn.factor);
  const double attention_factor = AQ_TRY(rope.positive("attention_factor", computed));
  if (magnitudes && shape.architecture == "mistral3")
    builder.put_f32(std::string(shape.prefix) + "rope.scaling.yarn_log_multiplier", all);
  if (explicit_factor)
    put_attention_factor(builder, shape.prefix, yarn.factor, attention_factor);
  else if (magnitudes)
    builder.put_number("aquilon.rope_attention_factor", attention_factor);
  return {};
}

// Llama 3.1's scaling: what GGUF's rope_freqs.weight divides each frequency by.
Status put_llama3(DescriptionBuilder& builder, const JsonFields& config, const JsonFields& rope,
                  const RopeShape& shape, double theta) {
  const double factor = AQ_TRY(rope.positive("factor"));
  const double low = AQ_TRY(rope.positive("low_freq_factor"));
  const double high = AQ_TRY(rope.positive("high_freq_factor"));
  const auto original = static_cast<double>(AQ_TRY(original_context(config, rope, shape.context)));
  if (high <= low) return rope.wrong("high_freq_factor", "a number above low_freq_factor");
  const std::uint64_t pairs = shape.head_dim / 2;
  const auto to = AQ_TRY(builder.allocate("rope_freqs.weight", tensor::DType::kF32, {pairs}));
  auto* divisors = reinterpret_cast<float*>(to.data());
  for (std::uint64_t i = 0; i < pairs; ++i) {
    const double exponent = static_cast<double>(2 * i) / static_cast<double>(shape.head_dim);
    const double frequency = std::pow(theta, -exponent);
    const double wavelength = 2 * std::numbers::pi / frequency;
    double scaled = frequency;
    if (wavelength > original / low) {
      scaled = frequency / factor;
    } else if (wavelength >= original / high) {
      const double smooth = (original / wavelength - low) / (high - low);
      scaled = (1 - smooth) * frequency / factor + smooth * frequency;
    }
    divisors[i] = static_cast<float>(frequency / scaled);
  }
  return {};
}

Status put_scaling(DescriptionBuilder& builder, const JsonFields& config, const JsonFields& rope,
                   const RopeShape& shape, double theta) {
  const std::string type = AQ_TRY(rope_type(rope));
  const double part = AQ_TRY(rope.positive("partial_rotary_factor", 1));
  if (part != 1) return rope.unsupported("partial_rotary_factor", "only whole heads turn here");
  AQ_RETURN_IF_ERROR(rope.refuse("mrope_section", "positions of several axes"));
  if (type == "default") return {};
  if (type == "yarn") return put_hf_yarn(builder, config, rope, shape);
  if (type == "llama3") return put_llama3(builder, config, rope, shape, theta);
  if (type != "linear" && type != "dynamic")
    return rope.unsupported(rope.has("rope_type") ? "rope_type" : "type", kSupported);
  const std::string prefix(shape.prefix);
  const double factor = AQ_TRY(rope.positive("factor"));
  builder.put_text(prefix + "rope.scaling.type", type);
  builder.put_f32(prefix + "rope.scaling.factor", factor);
  if (type == "dynamic")
    builder.put_count(prefix + "rope.scaling.original_context_length", shape.context);
  return {};
}

}  // namespace

double yarn_magnitude(double factor, double scale) {
  return factor > 1 ? 0.1 * scale * std::log(factor) + 1 : 1;
}

void put_yarn(DescriptionBuilder& builder, std::string_view prefix, const YarnKeys& yarn) {
  const std::string scaling = std::string(prefix) + "rope.scaling.";
  builder.put_text(scaling + "type", "yarn");
  builder.put_f32(scaling + "factor", yarn.factor);
  builder.put_count(scaling + "original_context_length", yarn.original_context);
  builder.put_f32(scaling + "yarn_beta_fast", yarn.beta_fast);
  builder.put_f32(scaling + "yarn_beta_slow", yarn.beta_slow);
}

void put_attention_factor(DescriptionBuilder& builder, std::string_view prefix, double factor,
                          double attention_factor) {
  builder.put_f32(std::string(prefix) + "rope.scaling.attn_factor",
                  attention_factor / yarn_magnitude(factor));
  builder.put_number("aquilon.rope_attention_factor", attention_factor);
}

Status put_hf_rope(DescriptionBuilder& builder, const JsonFields& config, const RopeShape& shape) {
  const std::string prefix(shape.prefix);
  const RopeSource full = AQ_TRY(full_source(config, shape.theta));
  const double part = AQ_TRY(config.positive("partial_rotary_factor", 1));
  if (part != 1) return config.unsupported("partial_rotary_factor", "only whole heads turn here");
  builder.put_f32(prefix + "rope.freq_base", full.theta);
  builder.put_count(prefix + "rope.dimension_count", shape.head_dim);
  if (shape.local_too) {
    const double local = AQ_TRY(local_theta(config));
    builder.put_f32(prefix + "rope.freq_base_swa", local);
  }
  const bool ministral3 = shape.architecture == "mistral3";
  if (!full.scaling && !ministral3) return {};
  const JsonFields rope =
      full.scaling ? *full.scaling : JsonFields(ministral3_rope(), config.file(), "default ");
  AQ_RETURN_IF_ERROR(put_scaling(builder, config, rope, shape, full.theta));
  if (ministral3 && rope.has("llama_4_scaling_beta")) {
    const double beta = AQ_TRY(rope.positive("llama_4_scaling_beta"));
    builder.put_f32(prefix + "attention.temperature_scale", beta);
  }
  return {};
}

}  // namespace aquilon::formats
