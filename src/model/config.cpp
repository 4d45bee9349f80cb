#include "model/config.h"

#include <algorithm>
#include <cmath>

namespace aquilon::model {
namespace {

using formats::GgufFile;

constexpr Family kFamilies[] = {
    {"llama", kernels::RopeLayout::kInterleaved, false},
    {"qwen2", kernels::RopeLayout::kHalves, true},
};

// Look-ups of "<architecture>.<key>" with ranges.
class Reader {
 public:
  explicit Reader(const GgufFile& file, std::string_view architecture)
      : file_(file), prefix_(std::string(architecture) + ".") {}

  bool has(std::string_view key) const { return file_.find(prefix_ + std::string(key)) != nullptr; }

  Result<std::size_t> count(std::string_view key, std::uint64_t max) const {
    const std::string full = prefix_ + std::string(key);
    const std::uint64_t value = AQ_TRY(file_.get_uint(full, max));
    if (value == 0)
      return make_error(Code::kCorrupt, "{}: {} is 0; it must be at least 1", file_.path(), full);
    return static_cast<std::size_t>(value);
  }
  Result<std::size_t> count_or(std::string_view key, std::uint64_t max, std::size_t other) const {
    return has(key) ? count(key, max) : Result<std::size_t>(other);
  }
  Result<double> positive(std::string_view key) const {
    const std::string full = prefix_ + std::string(key);
    const double value = AQ_TRY(file_.get_float(full));
    if (!(value > 0))
      return make_error(Code::kCorrupt, "{}: {} is {}; it must be above 0", file_.path(), full,
                        value);
    return value;
  }
  Result<double> positive_or(std::string_view key, double other) const {
    return has(key) ? positive(key) : Result<double>(other);
  }
  Result<std::string_view> text_or(std::string_view key, std::string_view other) const {
    if (!has(key)) return other;
    return file_.get_string(prefix_ + std::string(key));
  }
  // Refuses a part that we do not run: a key present and not zero.
  Status refuse(std::string_view key, std::string_view what) const {
    if (!has(key)) return {};
    const auto value = file_.get_uint(prefix_ + std::string(key), UINT32_MAX);
    if (value.ok() && *value == 0) return {};
    return make_error(Code::kUnsupported,
                      "{}: this model needs {} ({}{}), which is not supported yet", file_.path(),
                      what, prefix_, key);
  }

 private:
  const GgufFile& file_;
  std::string prefix_;
};

Result<const Family*> find_family(const GgufFile& file) {
  const std::string_view name = AQ_TRY(file.get_string("general.architecture"));
  for (const Family& family : kFamilies)
    if (family.architecture == name) return &family;
  std::string known;
  for (const Family& family : kFamilies)
    known += (known.empty() ? "" : ", ") + std::string(family.architecture);
  return make_error(Code::kUnsupported, "{}: the architecture '{}' is not supported; supported: {}",
                    file.path(), name, known);
}

Status refuse_what_we_lack(const Reader& reader) {
  AQ_RETURN_IF_ERROR(reader.refuse("expert_count", "mixture of experts"));
  AQ_RETURN_IF_ERROR(reader.refuse("attention.sliding_window", "a sliding attention window"));
  AQ_RETURN_IF_ERROR(reader.refuse("rope.scaling.yarn_log_multiplier", "a YaRN log multiplier"));
  AQ_RETURN_IF_ERROR(reader.refuse("attention.temperature_scale", "attention temperature scaling"));
  return {};
}

Result<RopeConfig> read_rope(const GgufFile& file, const Reader& reader,
                             const ModelConfig& config) {
  RopeConfig rope;
  rope.theta = AQ_TRY(reader.positive_or("rope.freq_base", 10000));
  rope.dims = AQ_TRY(reader.count_or("rope.dimension_count", config.head_dim, config.head_dim));
  if (rope.dims % 2 != 0)
    return make_error(Code::kCorrupt, "{}: rope.dimension_count is {}; it must be even",
                      file.path(), rope.dims);
  const std::string_view type = AQ_TRY(reader.text_or("rope.scaling.type", "none"));
  if (type == "none") return rope;
  rope.factor = AQ_TRY(reader.positive_or("rope.scaling.factor", 1));
  rope.attention_factor = AQ_TRY(reader.positive_or("rope.scaling.attn_factor", 1));
  if (type == "linear") {
    rope.scaling = RopeConfig::Scaling::kLinear;
    return rope;
  }
  if (type != "yarn")
    return make_error(Code::kUnsupported,
                      "{}: RoPE scaling '{}' is not supported; supported: none, linear, yarn",
                      file.path(), type);
  rope.scaling = RopeConfig::Scaling::kYarn;
  rope.original_context = AQ_TRY(reader.count("rope.scaling.original_context_length", 1u << 30));
  rope.beta_fast = AQ_TRY(reader.positive_or("rope.scaling.yarn_beta_fast", 32));
  rope.beta_slow = AQ_TRY(reader.positive_or("rope.scaling.yarn_beta_slow", 1));
  // Peng et al. 2023, arXiv:2309.00071 section 3.4: attention grows a little flatter.
  rope.attention_factor *= rope.factor > 1 ? 0.1 * std::log(rope.factor) + 1 : 1;
  return rope;
}

}  // namespace

std::span<const Family> families() {
  return kFamilies;
}

Result<ModelConfig> read_config(const GgufFile& file) {
  ModelConfig config;
  config.family = AQ_TRY(find_family(file));
  const Reader reader(file, config.family->architecture);
  AQ_RETURN_IF_ERROR(refuse_what_we_lack(reader));
  if (const auto name = file.get_string("general.name"); name.ok()) config.name = *name;
  config.dim = AQ_TRY(reader.count("embedding_length", 1u << 17));
  config.n_layers = AQ_TRY(reader.count("block_count", 1u << 12));
  config.n_heads = AQ_TRY(reader.count("attention.head_count", 1u << 12));
  config.n_kv_heads = AQ_TRY(reader.count_or("attention.head_count_kv", 1u << 12, config.n_heads));
  config.hidden_dim = AQ_TRY(reader.count("feed_forward_length", 1u << 20));
  config.context_length = AQ_TRY(reader.count("context_length", 1u << 24));
  config.norm_eps = static_cast<float>(AQ_TRY(reader.positive("attention.layer_norm_rms_epsilon")));
  if (config.n_heads % config.n_kv_heads != 0)
    return make_error(Code::kCorrupt,
                      "{}: {} attention heads do not divide among {} key/value heads", file.path(),
                      config.n_heads, config.n_kv_heads);
  const std::size_t head_dim = std::max<std::size_t>(1, config.dim / config.n_heads);
  config.head_dim = AQ_TRY(reader.count_or("attention.key_length", 1u << 12, head_dim));
  const std::size_t value_dim =
      AQ_TRY(reader.count_or("attention.value_length", 1u << 12, config.head_dim));
  if (value_dim != config.head_dim)
    return make_error(Code::kUnsupported,
                      "{}: keys of {} and values of {} per head are not supported", file.path(),
                      config.head_dim, value_dim);
  config.rope = AQ_TRY(read_rope(file, reader, config));
  return config;
}

}  // namespace aquilon::model
