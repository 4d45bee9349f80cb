// The models of `aquilon serve`: which they are, what they are called, how they share memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "apps/model_options.h"
#include "apps/request_log.h"
#include "chat/model_pool.h"

namespace aquilon::apps {

struct ServedModelsOptions {
  std::vector<std::string> models;    // NAME_OR_FILE or NAME=NAME_OR_FILE; none: the default model
  std::vector<std::string> aliases;   // NAME (of the first model) or NAME=MODEL
  std::vector<std::string> adapters;  // NAME=PATH or PATH, of the one model that is served
  bool any_installed = false;         // those of the store too, when they are asked for
  std::string memory;                 // "8GiB"; empty: a share of what is free, for several models
  std::size_t max_tenant_queue = 0;   // see engine::EngineOptions

  template <class V>
  void visit(V& v) {
    v(models,
      {.flag = "model",
       .help = "name of an installed model, or path of a GGUF file or folder, or either behind the "
               "name that clients use; default: the installed default model",
       .unit = "[NAME=]NAME_OR_FILE"});
    v(aliases, {.flag = "alias",
                .help = "one more name of a model, by default of the first one",
                .unit = "NAME[=MODEL]"});
    v(adapters, {.flag = "lora",
                 .help = "adapter (LoRA) of the first model, a GGUF file or a folder of PEFT's; "
                         "requests choose it by NAME as their model",
                 .unit = "[NAME=]FILE_OR_FOLDER"});
    v(any_installed, {.flag = "any-installed",
                      .help = "serve every installed model, loaded when it is asked for"});
    v(memory,
      {.flag = "models-memory",
       .help = "memory of all loaded models' weights, keys and values, e.g. 8GiB: those longest "
               "unused are unloaded for others; default: with one model no limit, with several "
               "four fifths of what is free",
       .unit = "SIZE"});
  }
};

// How models share a limit, in bytes.
struct MemoryNeed {
  std::uint64_t weights = 0;
  std::uint64_t least_kv = 0;  // keys and values without which it is not loaded
  std::uint64_t most_kv = 0;   // that it makes use of
};
// What each may take. If all fit together, they get equal parts of what their weights leave; else
// each leaves half of what it could take for keys and values to others.
std::vector<std::uint64_t> share_memory(std::uint64_t limit, const std::vector<MemoryNeed>& needs);

// "4GiB", "512M", "1.5 GiB", "1073741824": bytes, in binary units. Errors: kInvalidArgument.
Result<std::uint64_t> parse_size(std::string_view text);

// Opens the models and loads those that were named, in order, as far as memory holds them. `how`:
// how each runs. Errors: those of load_generator for a model that was named; names given twice;
// models larger than the limit; adapters beside several models. What of the store cannot be opened
// costs a line in the log.
Result<std::unique_ptr<chat::ModelPool>> serve_models(const ServedModelsOptions& options,
                                                      const ModelOptions& how, RequestLog& log);

}  // namespace aquilon::apps
