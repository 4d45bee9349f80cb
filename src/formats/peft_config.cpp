#include <algorithm>

#include "formats/peft_config_internal.h"

namespace aquilon::formats {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kMaxRank = 1 << 16;

// Keys that are read here, or that only training and bookkeeping read.
constexpr std::string_view kKnown[] = {
    "peft_type",
    "r",
    "lora_alpha",
    "use_rslora",
    "rank_pattern",
    "alpha_pattern",
    "target_modules",
    "init_lora_weights",
    "bias",
    "auto_mapping",
    "revision",
    "base_model_name_or_path",
    "task_type",
    "inference_mode",
    "peft_version",
    "lora_dropout",
    "exclude_modules",
    "layers_to_transform",
    "layers_pattern",
    "megatron_config",
    "megatron_core",
    "loftq_config",
    "eva_config",
    "corda_config",
    "lora_ga_config",
    "velora_config",
    "runtime_config",
    "qalora_group_size",
};

struct NotRun {
  std::string_view key;
  std::string_view what;
};

constexpr NotRun kNotRun[] = {
    {"use_dora", "DoRA is not run"},
    {"modules_to_save", "modules that are saved whole are not run"},
    {"lora_bias", "biases of adapters are not run"},
    {"fan_in_fan_out", "transposed weights are not run"},
    {"trainable_token_indices", "trained embeddings are not run"},
    {"target_parameters", "adapters of stacked experts are not run"},
    {"layer_replication", "layers that are there several times are not run"},
    {"alora_invocation_tokens", "adapters that begin at an invocation (aLoRA) are not run"},
    {"arrow_config", "routing between adapters is not run"},
    {"use_qalora", "QALoRA is not run"},
    {"use_bdlora", "block-diagonal adapters are not run"},
    {"kasa_config", "KaSA is not run"},
    {"monteclora_config", "MonteCLoRA is not run"},
};

bool says_nothing(const json::value& value) {
  if (value.is_bool()) return !value.get_bool();
  if (value.is_array()) return value.get_array().empty();
  if (value.is_object()) return value.get_object().empty();
  if (value.is_string()) return value.get_string().empty();
  return value.is_null() || value == json::value(0);
}

// Every key that could change answers and is not read.
Status refuse_others(const JsonFields& root) {
  for (const auto& [name, value] : root.all()) {
    const std::string_view key = name;
    if (says_nothing(value) ||
        std::find(std::begin(kKnown), std::end(kKnown), key) != std::end(kKnown))
      continue;
    const auto known = std::find_if(std::begin(kNotRun), std::end(kNotRun),
                                    [&](const NotRun& part) { return part.key == key; });
    return root.unsupported(key, known != std::end(kNotRun) ? known->what : "is not known here");
  }
  return {};
}

// Adapters that began as a part of the model's own weights stand on what is left of those.
Status check_start(const JsonFields& root) {
  constexpr std::string_view kKey = "init_lora_weights";
  const json::value* start = root.find(kKey);
  if (start == nullptr || start->is_bool()) return {};
  const std::string how = AQ_TRY(root.text(kKey, ""));
  if (how == "gaussian" || how == "eva" || how == "orthogonal") return {};
  return root.unsupported(
      kKey, fmt::format("'{}' changes the model's own weights; convert the adapter when saving it "
                        "(path_initial_model_for_weight_conversion)",
                        how.substr(0, 80)));
}

bool is_plain(std::string_view module) {
  return !module.empty() && std::all_of(module.begin(), module.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
}

// PEFT's keys are regular expressions; what it writes itself are names and ends of names.
Result<std::vector<PeftPattern>> read_patterns(const JsonFields& root, std::string_view key,
                                               bool ranks) {
  std::vector<PeftPattern> patterns;
  const auto object = AQ_TRY(root.object(key));
  if (!object) return patterns;
  for (const auto& [name, value] : object->all()) {
    PeftPattern pattern{.module = std::string(std::string_view(name))};
    pattern.whole = pattern.module.starts_with('^');
    if (pattern.whole) pattern.module.erase(0, 1);
    if (!is_plain(pattern.module))
      return object->unsupported(name, "names of modules are read, regular expressions are not");
    if (ranks)
      pattern.value = static_cast<double>(AQ_TRY(object->count(name, 1, kMaxRank)));
    else
      pattern.value = AQ_TRY(object->positive(name));
    patterns.push_back(std::move(pattern));
  }
  return patterns;
}

const PeftPattern* first_match(const std::vector<PeftPattern>& patterns, std::string_view module) {
  for (const PeftPattern& pattern : patterns)
    if (pattern.matches(module)) return &pattern;
  return nullptr;
}

}  // namespace

bool PeftPattern::matches(std::string_view path) const {
  if (path == module) return true;
  return !whole && path.size() > module.size() && path.ends_with(module) &&
         path[path.size() - module.size() - 1] == '.';
}

std::uint64_t PeftConfig::rank_of(std::string_view module) const {
  const PeftPattern* pattern = first_match(ranks, module);
  return pattern != nullptr ? static_cast<std::uint64_t>(pattern->value) : rank;
}

double PeftConfig::alpha_of(std::string_view module) const {
  const PeftPattern* pattern = first_match(alphas, module);
  return pattern != nullptr ? pattern->value : alpha;
}

Result<PeftConfig> read_peft_config(const JsonFields& root) {
  const std::string type = AQ_TRY(root.text("peft_type", ""));
  if (type != "LORA") return root.unsupported("peft_type", "LORA is");
  AQ_RETURN_IF_ERROR(refuse_others(root));
  const std::string bias = AQ_TRY(root.text("bias", "none"));
  if (bias != "none") return root.unsupported("bias", "trained biases are not run; 'none' is");
  AQ_RETURN_IF_ERROR(check_start(root));
  PeftConfig config;
  config.rank = AQ_TRY(root.count("r", 1, kMaxRank, 8));
  config.alpha = AQ_TRY(root.positive("lora_alpha", 8));
  config.rank_stabilised = AQ_TRY(root.flag("use_rslora", false));
  config.ranks = AQ_TRY(read_patterns(root, "rank_pattern", true));
  config.alphas = AQ_TRY(read_patterns(root, "alpha_pattern", false));
  return config;
}

}  // namespace aquilon::formats
