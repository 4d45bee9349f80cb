// LoRA adapters on the command line.
#pragma once

#include <string>

#include "apps/model_options.h"

namespace aquilon::apps {

// NAME=PATH, or a path whose last part names the adapter, without ".gguf". A path with '=' in it
// has a '/' before that. Errors: kInvalidArgument without a name or a path.
Result<chat::AdapterSource> adapter_source(const std::string& text);

// Of commands that run one model for one person.
struct AdapterOptions {
  std::string lora;  // see adapter_source; empty: none
  double lora_scale = 1;

  template <class V>
  void visit(V& v) {
    v.section("Adapter");
    v(lora, {.flag = "lora",
             .help = "adapter (LoRA) that changes the model: a GGUF file, or a folder of PEFT's",
             .unit = "[NAME=]FILE_OR_FOLDER"});
    v(lora_scale,
      {.flag = "lora-scale", .help = "how strong the adapter is", .min = -100, .max = 100});
  }

  // Errors: those of adapter_source.
  Status add_to(ModelOptions& model) const;
  void add_to(chat::GenerationRequest& request) const {
    if (!lora.empty()) request.adapter = chat::AdapterChoice{.index = 0, .scale = lora_scale};
  }
};

}  // namespace aquilon::apps
