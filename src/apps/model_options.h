// Options of every command that runs a model, and how they become one.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "chat/generator.h"
#include "chat/local_generator.h"

namespace aquilon::apps {

struct ModelOptions {
  std::string model;  // name in the store, or path; empty: the default model
  int ctx = 0;
  int threads = 0;
  int parallel = 1;
  int max_queue = 64;
  int request_seconds = 0;
  std::string pooling = "mean";
  bool speculate = true;
  std::string draft_model;  // name in the store, or path; empty: none
  int draft_tokens = 4;
  std::string kv_type = "bf16";
  std::string chat_template;  // path
  std::string chat_format;
  std::string tool_format;
  std::vector<chat::AdapterSource> adapters;  // of commands' own options

  template <class V>
  void visit(V& v) {
    v.section("Model");
    v(model,
      {.flag = "model",
       .help =
           "name of an installed model, or path of a GGUF file or folder; default: the installed "
           "default model",
       .unit = "NAME_OR_FILE"});
    visit_running(v);
  }

  // All but which one it is.
  template <class V>
  void visit_running(V& v) {
    v(ctx,
      {.flag = "ctx",
       .help = "tokens of prompt and answer together; 0: as many as the model and memory allow",
       .unit = "TOKENS",
       .min = 0,
       .max = 1 << 24});
    v(threads,
      {.flag = "threads", .help = "threads that compute; 0: one a core", .min = 0, .max = 1024});
    v(kv_type, {.flag = "kv-type",
                .help = "how keys and values are stored: bf16, f16 or f32 (twice the memory)",
                .unit = "TYPE"});
    v(chat_template, {.flag = "chat-template",
                      .help = "Jinja chat template to use instead of the model's own",
                      .unit = "FILE"});
    v(chat_format, {.flag = "chat-format",
                    .help = "how conversations become prompts: template, or mistral-v1, -v2, -v3, "
                            "-v7, -v11, -v13, -v15; "
                            "default: what the model's files declare",
                    .unit = "FORMAT"});
    v(tool_format, {.flag = "tool-format",
                    .help = "how calls of tools are written: hermes, llama3, pythonic, json, or "
                            "mistral-v3, -v11, -v13; default: what the chat format says",
                    .unit = "FORMAT"});
  }

  // Of commands that answer.
  template <class V>
  void visit_speculation(V& v) {
    v(speculate,
      {.flag = "speculate",
       .help =
           "check guesses at what an answer says next, where that makes it faster; the answer is "
           "the same"});
    v(draft_model,
      {.flag = "draft-model",
       .help = "a smaller model of the same vocabulary that guesses too, where that pays",
       .unit = "NAME_OR_FILE"});
    v(draft_tokens, {.flag = "draft-tokens",
                     .help = "tokens that the draft model guesses at once, at most",
                     .min = 1,
                     .max = 8});
  }
};

// "fast=qwen2.5-0.5b" in two; a path with '=' in it stays whole, with an empty name.
std::pair<std::string, std::string> split_name(const std::string& text);

// The path of the model that `name_or_path` means. Errors: those of hub::Store::resolve.
Result<std::string> resolve_model(const std::string& name_or_path);

// How the model is found and run, without progress. Errors: as of load_generator, before loading.
Result<chat::LocalGeneratorOptions> local_options(const ModelOptions& options,
                                                  const std::string& id = {});

// Finds and loads the model. `id` names it towards clients; empty: the name it was asked by,
// without folder and ending. Errors: those of resolve_model and make_local_generator; a template
// file that cannot be read.
Result<std::unique_ptr<chat::Generator>> load_generator(const ModelOptions& options,
                                                        const std::string& id = {});

}  // namespace aquilon::apps
