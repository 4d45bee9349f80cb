// The Generator that runs a model on this machine: template, tokenizer, engine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "chat/generator.h"
#include "model/kv_pool.h"  // KvType

namespace aquilon::chat {

struct LocalGeneratorOptions {
  std::string path;            // of the GGUF file
  std::string id;              // name that clients use
  std::size_t context = 0;     // tokens; 0: the smaller of the model's and what memory allows
  int threads = 0;             // 0: every core that this process may use
  std::size_t parallel = 4;    // requests that run together
  std::size_t max_queue = 64;  // requests that wait
  double max_seconds = 0;      // from a request's arrival to its end; 0: no limit
  model::KvType kv_type = model::KvType::kBf16;
  bool speculate = true;                             // guesses at answers, where they pay
  engine::Pooling pooling = engine::Pooling::kMean;  // of embeddings
  std::string chat_template;                         // Jinja source; empty: what the files declare
  std::string chat_format;  // see PromptSource; empty: what the files declare
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;  // of loading, in bytes
};

// Loads the model and starts its engine.
// Errors: those of Model::open and prepare; kOutOfMemory names what is needed and what is free,
// before anything is allocated; kInvalidArgument for a context beyond the model's and for a bad
// template given here. A template in the file that cannot be used costs the chat, not the model:
// see ModelCard::chat.
Result<std::unique_ptr<Generator>> make_local_generator(const LocalGeneratorOptions& options);

}  // namespace aquilon::chat
