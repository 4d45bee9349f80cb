// What a model's GGUF files say of it, for `aquilon models`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace aquilon::apps {

struct TypeShare {
  std::uint64_t tensors = 0;
  std::uint64_t values = 0;
  std::uint64_t bytes = 0;
};

// Texts are as in the file: print them with printable().
struct ModelSummary {
  std::string architecture;
  std::string title;    // general.name
  std::string licence;  // general.license
  std::uint64_t parameters = 0;
  // "layers", "dim", "heads", ...: those that the file states as one number, in a fixed order.
  std::vector<std::pair<std::string_view, std::uint64_t>> shape;
  std::optional<double> rope_base;
  std::string rope_scaling;                // "yarn x 4", empty if none
  std::map<std::string, TypeShare> types;  // by name
  std::string tokenizer_model;             // "gpt2"
  std::string pre_tokenizer;               // "smollm"
  std::uint64_t vocabulary = 0;            // tokens
  std::optional<std::string> chat_template;

  // Of `shape`.
  std::optional<std::uint64_t> find(std::string_view name) const;
  // The type that holds most values.
  std::string main_type() const;
};

// All files of a model, the first with the metadata. Nothing is loaded but the directories.
// Errors: those of GgufFile::open.
Result<ModelSummary> summarise(const std::vector<std::string>& paths);

// "135M", "1.54B".
std::string parameter_text(std::uint64_t parameters);

}  // namespace aquilon::apps
