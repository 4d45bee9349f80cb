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

// Layers without RoPE, of families that have such: no_rope_layers, else no_rope_layer_interval.
Status put_hf_rope_layers(const JsonFields& config, const HfFamily& family, std::uint64_t layers,
                          DescriptionBuilder& builder);

// The chat templates: "tokenizer.chat_template", and "tokenizer.chat_template.NAME" for others than
// the default one. As transformers has it, template files (chat_template.jinja,
// additional_chat_templates/NAME.jinja) replace those of tokenizer_config.json; chat_template.json,
// which only processors have, comes last.
Status put_hf_templates(const FolderFiles& folder, const JsonFields& tokenizer_config,
                        DescriptionBuilder& builder);

// Whether a file of a folder is a chat template, by its name.
bool is_template_file(std::string_view name);

// Roles of tokens and the chat templates, from generation_config.json, config.json,
// tokenizer_config.json and the files of templates.
Status put_hf_tokens(const FolderFiles& folder, const JsonFields& root,
                     DescriptionBuilder& builder);

}  // namespace aquilon::formats
