// adapter_config.json of PEFT, as far as LoRA goes. Which modules have an adapter the tensors say.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/json_fields_internal.h"

namespace aquilon::formats {

// A value for the modules whose path ends in `module`, or for that one alone.
struct PeftPattern {
  std::string module;
  bool whole = false;  // the path is `module`
  double value = 0;

  bool matches(std::string_view path) const;
};

struct PeftConfig {
  std::uint64_t rank = 0;
  double alpha = 0;
  bool rank_stabilised = false;     // alpha / sqrt(rank) in place of alpha / rank
  std::vector<PeftPattern> ranks;   // the first that matches wins
  std::vector<PeftPattern> alphas;  // likewise

  // Of a module by its path in the model: "model.layers.0.self_attn.q_proj".
  std::uint64_t rank_of(std::string_view module) const;
  double alpha_of(std::string_view module) const;
};

// Errors: kCorrupt names the key that is missing or out of range; kUnsupported a part of PEFT that
// would change answers and that we do not run, known to us or not.
Result<PeftConfig> read_peft_config(const JsonFields& root);

}  // namespace aquilon::formats
