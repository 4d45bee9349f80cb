#include <algorithm>

#include "formats/hf_config_internal.h"

namespace aquilon::formats {
namespace {

// Which layers have a window by layer_types; nothing where the key is absent.
Result<std::optional<std::vector<bool>>> read_layer_types(const JsonFields& config,
                                                          std::uint64_t layers) {
  const boost::json::value* types = config.find("layer_types");
  if (types == nullptr) return std::optional<std::vector<bool>>();
  if (!types->is_array() || types->get_array().size() != layers)
    return config.wrong("layer_types", fmt::format("a list of {} texts", layers));
  std::vector<bool> local;
  for (const boost::json::value& type : types->get_array()) {
    if (!type.is_string()) return config.wrong("layer_types", "a list of texts");
    const std::string_view name(type.get_string().data(), type.get_string().size());
    if (name != "full_attention" && name != "sliding_attention")
      return make_error(Code::kUnsupported,
                        "{}: a layer of type '{}' is not supported; full_attention and "
                        "sliding_attention are",
                        config.file(), name.substr(0, 80));
    local.push_back(name == "sliding_attention");
  }
  return std::optional(std::move(local));
}

// Which layers turn queries and keys. In no_rope_layers a 1 says that a layer does.
Result<std::vector<bool>> read_rope_layers(const JsonFields& config, const HfFamily& family,
                                           std::uint64_t layers) {
  std::vector<bool> turn(layers, true);
  const boost::json::value* list = config.find("no_rope_layers");
  if (list == nullptr) {
    const std::uint64_t interval =
        AQ_TRY(config.count("no_rope_layer_interval", 1, 1u << 20, family.nope_interval));
    for (std::uint64_t i = interval; i <= layers; i += interval) turn[i - 1] = false;
    return turn;
  }
  if (!list->is_array() || list->get_array().size() < layers)
    return config.wrong("no_rope_layers", fmt::format("a list of {} zeros and ones", layers));
  for (std::uint64_t i = 0; i < layers; ++i) {
    const boost::json::value& value = list->get_array()[i];
    if (!value.is_int64() || (value.get_int64() != 0 && value.get_int64() != 1))
      return config.wrong("no_rope_layers", "a list of zeros and ones");
    turn[i] = value.get_int64() == 1;
  }
  return turn;
}

// Which layers have a window by the family's rule, for a model that has one.
Result<std::vector<bool>> local_by_rule(const JsonFields& config, const HfFamily& family,
                                        std::uint64_t layers) {
  std::vector<bool> local(layers, true);
  if (family.windows == HfWindows::kLastLayers) {
    const std::uint64_t first = AQ_TRY(config.count("max_window_layers", 0, 1u << 20, 28));
    for (std::uint64_t i = 0; i < std::min(first, layers); ++i) local[i] = false;
  }
  if (family.windows == HfWindows::kWithoutRope) {
    local = AQ_TRY(read_rope_layers(config, family, layers));
    local.flip();
  }
  if (family.windows == HfWindows::kPattern) {
    const std::uint64_t saved = AQ_TRY(config.count("_sliding_window_pattern", 1, 1u << 20, 6));
    const std::uint64_t pattern =
        AQ_TRY(config.count("sliding_window_pattern", 1, 1u << 20, saved));
    for (std::uint64_t i = 0; i < layers; ++i) local[i] = (i + 1) % pattern != 0;
  }
  return local;
}

}  // namespace

Status put_hf_windows(const JsonFields& config, const HfFamily& family, std::uint64_t layers,
                      DescriptionBuilder& builder) {
  if (family.windows == HfWindows::kNone) return {};
  const bool by_switch = family.windows == HfWindows::kLastLayers ||
                         family.windows == HfWindows::kUniformIfUsed ||
                         family.windows == HfWindows::kWithoutRope;
  const bool used = AQ_TRY(config.flag("use_sliding_window", !by_switch));
  if (!used) return {};
  // null: no window; absent: the family's.
  const bool none = config.mentions("sliding_window") ? !config.has("sliding_window")
                                                      : !family.window.has_value();
  const auto listed = AQ_TRY(read_layer_types(config, layers));
  if (none) {
    if (listed && std::count(listed->begin(), listed->end(), true) > 0)
      return config.wrong("sliding_window", "a whole number for the layers of sliding_attention");
    return {};
  }
  const std::uint64_t window = AQ_TRY(config.count("sliding_window", 1, 1u << 30, family.window));
  const std::vector<bool> ruled = AQ_TRY(local_by_rule(config, family, layers));
  const std::vector<bool>& local = listed ? *listed : ruled;
  const auto windows = static_cast<std::uint64_t>(std::count(local.begin(), local.end(), true));
  if (windows == 0 && !family.gemma) return {};
  const std::string prefix = std::string(family.architecture) + ".attention.sliding_window";
  builder.put_count(prefix, window);
  if (windows != layers || family.gemma) builder.put_flags(prefix + "_pattern", local);
  return {};
}

Status put_hf_rope_layers(const JsonFields& config, const HfFamily& family, std::uint64_t layers,
                          DescriptionBuilder& builder) {
  if (family.nope_interval == 0) return {};
  const std::vector<bool> turn = AQ_TRY(read_rope_layers(config, family, layers));
  builder.put_flags("aquilon.rope_layers", turn);
  return {};
}

}  // namespace aquilon::formats
