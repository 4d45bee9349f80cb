#include <fmt/format.h>

#include "formats/hf_family_internal.h"

namespace aquilon::formats {
namespace {

constexpr HfFamily kFamilies[] = {
    {.model_type = "llama", .architecture = "llama", .context = 2048, .eps = 1e-6},
    {.model_type = "mistral",
     .architecture = "llama",
     .windows = HfWindows::kUniform,
     .kv_heads = 8,
     .context = 131072,
     .eps = 1e-6,
     .window = 4096},
    {.model_type = "ministral",
     .architecture = "llama",
     .windows = HfWindows::kUniform,
     .kv_heads = 8,
     .context = 131072,
     .eps = 1e-6,
     .window = 4096},
    {.model_type = "mixtral",
     .architecture = "llama",
     .windows = HfWindows::kUniform,
     .experts = HfExperts::kMixtral,
     .kv_heads = 8,
     .context = 131072,
     .eps = 1e-5,
     .theta = 1e6},
    {.model_type = "ministral3",
     .architecture = "mistral3",
     .windows = HfWindows::kUniform,
     .kv_heads = 8,
     .head_dim = 128,
     .context = 262144,
     .eps = 1e-5,
     .theta = 1e6},
    {.model_type = "qwen2",
     .architecture = "qwen2",
     .windows = HfWindows::kLastLayers,
     .own_biases = true,
     .kv_heads = 32,
     .context = 32768,
     .eps = 1e-6,
     .window = 4096},
    {.model_type = "qwen3",
     .architecture = "qwen3",
     .windows = HfWindows::kLastLayers,
     .kv_heads = 32,
     .head_dim = 128,
     .context = 32768,
     .eps = 1e-6,
     .window = 4096},
    {.model_type = "qwen3_moe",
     .architecture = "qwen3moe",
     .windows = HfWindows::kUniformIfUsed,
     .experts = HfExperts::kQwen,
     .kv_heads = 4,
     .context = 32768,
     .eps = 1e-6,
     .window = 4096},
    {.model_type = "gemma3_text",
     .architecture = "gemma3",
     .windows = HfWindows::kPattern,
     .names = NameStyle::kHuggingFaceGemma,
     .gemma = true,
     .heads = 8,
     .kv_heads = 4,
     .head_dim = 256,
     .context = 131072,
     .eps = 1e-6,
     .theta = 1e6,
     .window = 4096},
    {.model_type = "seed_oss",
     .architecture = "seed_oss",
     .names = NameStyle::kHuggingFaceSeed,
     .own_biases = true,
     .kv_heads = 8,
     .head_dim = 128,
     .context = 524288,
     .eps = 1e-6},
    {.model_type = "ernie4_5",
     .architecture = "ernie4_5",
     .kv_heads = 2,
     .head_dim = 128,
     .context = 131072,
     .eps = 1e-5,
     .theta = 5e5},
    {.model_type = "smollm3",
     .architecture = "smollm3",
     .windows = HfWindows::kWithoutRope,
     .nope_interval = 4,
     .kv_heads = 4,
     .context = 32768,
     .eps = 1e-6,
     .theta = 2e6},
};

struct Wrapper {
  std::string_view model_type;
  std::string_view text_type;
};

constexpr Wrapper kWrappers[] = {{"gemma3", "gemma3_text"}, {"mistral3", "mistral"}};

}  // namespace

const HfFamily* find_hf_family(std::string_view model_type) {
  for (const HfFamily& family : kFamilies)
    if (family.model_type == model_type) return &family;
  return nullptr;
}

std::string_view hf_text_type(std::string_view model_type) {
  for (const Wrapper& wrapper : kWrappers)
    if (wrapper.model_type == model_type) return wrapper.text_type;
  return {};
}

std::string hf_model_types() {
  std::string list;
  for (const HfFamily& family : kFamilies) list += fmt::format("{}, ", family.model_type);
  for (const Wrapper& wrapper : kWrappers) list += fmt::format("{}, ", wrapper.model_type);
  list.resize(list.size() - 2);
  return list;
}

}  // namespace aquilon::formats
