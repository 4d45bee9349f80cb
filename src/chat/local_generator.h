// The Generator that runs a model on this machine: template, tokenizer, engine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "chat/generator.h"
#include "engine/engine_metrics.h"
#include "engine/turns.h"
#include "model/kv_pool.h"  // KvType

namespace aquilon::chat {

// A LoRA adapter to load with a model: a GGUF file or a folder of PEFT's.
struct AdapterSource {
  std::string name;
  std::string path;
};

struct LocalGeneratorOptions {
  std::string path;                  // of the GGUF file
  std::string id;                    // name that clients use
  std::size_t context = 0;           // tokens; 0: the smaller of the model's and what memory allows
  std::uint64_t memory = 0;          // bytes of weights, keys and values; 0: what is free
  int threads = 0;                   // 0: every core that this process may use
  std::size_t parallel = 4;          // requests that run together
  std::size_t max_queue = 64;        // requests that wait
  std::size_t max_tenant_queue = 0;  // of them one tenant's; 0: no limit of its own
  double max_seconds = 0;            // from a request's arrival to its end; 0: no limit
  model::KvType kv_type = model::KvType::kBf16;
  bool speculate = true;         // guesses at answers, where they pay
  std::string draft_path;        // of a smaller model that guesses too; empty: none
  std::size_t draft_tokens = 4;  // that it guesses at once
  engine::Pooling pooling = engine::Pooling::kMean;  // of embeddings
  std::string chat_template;                         // Jinja source; empty: what the files declare
  std::string chat_format;              // see PromptSource; empty: what the files declare
  std::string tool_format;              // a dialect's name; empty: by the chat format
  std::vector<AdapterSource> adapters;  // for requests to choose from
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;  // of loading, in bytes
  // Shared with the other models of the process: loading and steps take turns. Null: alone.
  std::shared_ptr<engine::Turns> turns;
  std::shared_ptr<engine::EngineMetrics> metrics;  // of the engine; null: its own
};

// What is known of a model before it is loaded.
struct LocalModelOutline {
  ModelCard card;                    // its context is the most that it can have
  std::uint64_t weight_bytes = 0;    // in memory
  std::uint64_t least_kv_bytes = 0;  // of keys and values, without which it is not loaded
  std::uint64_t most_kv_bytes = 0;   // that it makes use of
};

// Reads a model's files as far as its shape goes. Errors: those of Model::open.
Result<LocalModelOutline> outline_local_model(const LocalGeneratorOptions& options);

// Loads the model and starts its engine.
// Errors: those of Model::open and prepare; kOutOfMemory names what is needed and what is free,
// before anything is allocated; kInvalidArgument for a context beyond the model's and for a bad
// template given here, and for a draft model of another vocabulary; those of Model::load_adapter. A
// template in the file that cannot be used costs the chat, not the model: see ModelCard::chat.
Result<std::unique_ptr<Generator>> make_local_generator(const LocalGeneratorOptions& options);

}  // namespace aquilon::chat
