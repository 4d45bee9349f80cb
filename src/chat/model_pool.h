// The models of one process: loaded when they are asked for, within a limit of memory.
//
// A request for a model that is not loaded waits while the pool's own thread loads it, one model at
// a time, first come first served. Where memory is short, the models longest unused are unloaded. A
// model that is answering is never unloaded: if only such are left, those longest unused drain,
// that is, further requests for them wait behind the model that is being made room for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/generator.h"
#include "engine/engine_metrics.h"

namespace aquilon::chat {

// Its generator as long as it is held: the model stays loaded meanwhile.
using ModelLease = std::shared_ptr<Generator>;

// The detail of an error that a model's loading ended with: its message may name files.
inline constexpr const char* kLoadFailed = "model_load_failed";

// A model as its owner describes it.
struct PooledModel {
  ModelCard card;  // until it is loaded: what is known of it
  std::vector<std::string> aliases = {};
  std::uint64_t bytes = 0;  // of weights, keys and values while it is loaded
  // On the pool's thread, whenever it is to be loaded. Without one it is never unloaded.
  std::function<Result<ModelLease>()> load = {};
  ModelLease loaded = {};                                     // loaded already
  std::shared_ptr<const engine::EngineMetrics> metrics = {};  // of its engine; null: not told
};

struct ModelPoolOptions {
  std::uint64_t memory = 0;            // bytes of all loaded models together; 0: no limit
  std::size_t max_waiting = 64;        // requests that wait for models to be loaded
  std::size_t max_tenant_waiting = 0;  // of them one tenant's; 0: no limit of its own
};

enum class ModelState { kUnloaded, kLoading, kLoaded, kUnloading };
std::string_view model_state_name(ModelState state);  // "unloaded", ...

struct ModelStatus {
  ModelCard card;
  std::vector<std::string> aliases;
  ModelState state = ModelState::kUnloaded;
  bool ready = false;                                    // loaded, and its engine steps
  bool failed = false;                                   // the last attempt to load it did
  std::uint64_t bytes = 0;                               // while it is loaded
  std::size_t answering = 0;                             // leases held
  std::size_t waiting = 0;                               // requests
  std::shared_ptr<const engine::EngineMetrics> metrics;  // may be null
};

// Threads: every member is safe from any. Leases may outlive the pool, but are of no use then.
class ModelPool {
 public:
  using Index = std::size_t;  // of a model, for good
  using Taker = std::function<void(Result<ModelLease>)>;

  explicit ModelPool(const ModelPoolOptions& options = {});
  // Waits for a load that is running. Whoever waits gets kUnavailable.
  ~ModelPool();
  ModelPool(const ModelPool&) = delete;
  ModelPool& operator=(const ModelPool&) = delete;

  // Errors: kInvalidArgument for a name that another model has.
  Result<Index> add(PooledModel model);
  // By id or alias.
  std::optional<Index> find(std::string_view name) const;
  std::size_t size() const;
  ModelStatus status(Index model) const;
  // There are models, and all that are loaded can generate.
  bool ready() const;

  // The model, if it is loaded and nobody waits for its memory; else null.
  ModelLease lease(Index model);
  // Queues for the model. `taker` is called once, from within or on the pool's thread: it must not
  // block. Returns a ticket for forget(). Errors that it is called with: kExhausted (too many
  // wait), those of loading, with the model's name in front, kOutOfMemory (larger than the limit),
  // kUnavailable (stopping).
  std::uint64_t wait(Index model, std::uint64_t tenant, Taker taker);
  // Gives a place in the queue up: unless `taker` is being called already, it never is.
  void forget(std::uint64_t ticket);
  // Loads the model now. Errors: as of wait().
  Status load(Index model);
  // Unloads it as soon as it answers no more; who asks for it meanwhile waits for it to be loaded
  // again. `done` is called once, as a taker is, at once where it is not loaded. Errors:
  // kUnsupported for a model that cannot be loaded again.
  void unload(Index model, std::function<void(Status)> done);

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace aquilon::chat
