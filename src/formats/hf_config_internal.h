// config.json and what stands beside it in a Hugging Face folder, as GGUF's keys.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/description_builder_internal.h"
#include "formats/folder_files_internal.h"
#include "formats/fp8_weights_internal.h"
#include "formats/hf_family_internal.h"
#include "formats/json_fields_internal.h"

namespace aquilon::formats {

inline constexpr std::uint64_t kMaxConfigBytes = 16u << 20;

// What the weights need to know of config.json.
struct HfConfig {
  const HfFamily* family;
  std::optional<bool> tied;
  std::optional<std::uint64_t> vocabulary;
  float query_factor = 1;
  bool fp8 = false;
  std::optional<Fp8Blocks> blocks;
};

// Reads config.json into the builder. Errors: kUnsupported names the model_type (and lists those
// that we translate) or a setting that would change answers and that we do not run; kCorrupt names
// the key that is missing or out of range.
Result<HfConfig> put_hf_config(const JsonFields& root, DescriptionBuilder& builder);

// Layers with a window, from layer_types or the family's rule; with it the keys.
Status put_hf_windows(const JsonFields& config, const HfFamily& family, std::uint64_t layers,
                      DescriptionBuilder& builder);

// Roles of tokens and the chat template, from generation_config.json, config.json,
// tokenizer_config.json and chat_template.jinja.
Status put_hf_tokens(const FolderFiles& folder, const JsonFields& root,
                     DescriptionBuilder& builder);

}  // namespace aquilon::formats
