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
  std::string tokenizer_model;             // "gpt2", of a folder the file: "tokenizer.json"
  std::string pre_tokenizer;               // "smollm"; empty for a folder
  std::uint64_t vocabulary = 0;            // tokens
  std::optional<std::string> chat_template;
  std::vector<std::string> files;  // that the model is read from

  // Of read_text alone.
  std::string chat_format;   // "template", "mistral-v3"; empty: it cannot chat
  std::string text_problem;  // why the tokenizer cannot be used; empty if it can

  // Of `shape`.
  std::optional<std::uint64_t> find(std::string_view name) const;
  // The type that holds most values.
  std::string main_type() const;
};

// A model by its path. Nothing is loaded but the directories; with `read_text` the tokenizer is,
// and what is wrong with it goes to text_problem. Errors: those of formats::open_model.
Result<ModelSummary> summarise(const std::string& path, bool read_text);

// "135M", "1.54B".
std::string parameter_text(std::uint64_t parameters);

}  // namespace aquilon::apps
