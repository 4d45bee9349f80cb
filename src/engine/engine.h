// The engine: one thread that steps all running sequences of a model together.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "base/result.h"
#include "engine/engine_metrics.h"
#include "engine/fair_queue.h"
#include "engine/prefix_tree.h"
#include "engine/request.h"
#include "engine/speculator.h"
#include "engine/step_cost.h"
#include "engine/token_masks.h"
#include "engine/turns.h"
#include "model/model.h"

namespace aquilon::engine {

struct EngineOptions {
  std::size_t context = 0;     // tokens of prompt and answer, at most
  std::size_t parallel = 4;    // sequences that run together
  std::size_t max_queue = 64;  // requests that wait
  // Tokens of answer that a sequence is given room for when it starts. An answer that gets longer
  // than memory allows pauses younger ones, which go on when there is room again.
  std::size_t headroom = 128;
  Speculation speculation = Speculation::kWherePays;
  // Of constrained answers: threads that make masks while the model computes, and whether tokens
  // that are the only ones possible are taken without asking the model.
  std::size_t mask_threads = 2;
  bool take_forced = true;
  double max_seconds = 0;            // from its arrival to the end of a request; 0: no limit
  std::size_t max_tenant_queue = 0;  // of those that wait, one tenant's; 0: no limit of its own
  // Shared with other engines of the process, which then step in turn; null: none.
  std::shared_ptr<Turns> turns = {};
  std::shared_ptr<EngineMetrics> metrics = {};  // null: its own
};

// Pages that one sequence may need in a context of so many tokens.
constexpr std::size_t pages_for_context(std::size_t context) {
  return model::pages_for(context) + 1;
}

class Job;  // engine/job_internal.h
class Sequence;

// A submitted request. Destroying it cancels what is left and returns only when no call to its sink
// is running or will follow (unless destroyed from within the sink). Threads: safe.
class Ticket {
 public:
  explicit Ticket(std::shared_ptr<Job> job) : job_(std::move(job)) {}
  ~Ticket();
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

  void cancel();  // ends within a step; the last event still comes
  const std::vector<text::TokenId>& prompt() const;

 private:
  std::shared_ptr<Job> job_;
};

// Threads: every member is safe from any thread.
class Engine {
 public:
  // The model outlives the engine; nobody else calls its forward() or uses the pool.
  // `draft`: a source of guesses beside the answers' own texts, or null.
  // Requires: the pool has pages_for_context(options.context) at least.
  Engine(model::Model& model, std::shared_ptr<model::KvPool> pool, const EngineOptions& options,
         std::unique_ptr<GuessSource> draft = nullptr);
  // Ends what runs with an error event.
  ~Engine();

  // Errors: kInvalidArgument (parameters; prompt empty, outside the vocabulary or, with `detail`
  // context_length_exceeded, too long), kExhausted (queue full, as a whole
  // or for this tenant), kUnavailable (stopping).
  // Also kUnavailable: the model's file lost bytes while it was in use.
  Result<std::unique_ptr<Ticket>> submit(Request request, EventSink sink);

  // The thread lives, woke up when it was last looked for, and its step, if one is running, began
  // less than half a minute ago.
  bool ready() const;
  // How often a sequence gave its memory to an older one.
  std::uint64_t preemptions() const { return preemptions_; }
  const EngineOptions& options() const { return options_; }
  const EngineMetrics& metrics() const { return *metrics_; }

 private:
  // After the model's part of a step, for all masks that are late; who has none then is parked.
  static constexpr std::chrono::milliseconds kMaskPatience{5};

  Status check(const Request& request) const;
  Status check_place(std::uint64_t tenant) const;
  void run();
  bool wait_for_work();  // false: stopping
  bool run_round();      // false: nothing could be computed
  void measure();
  void contain(Sequence& sequence, const std::function<void()>& work);
  bool begin(const std::shared_ptr<Job>& job);
  const Job* only_job() const;
  void recover(const Job* only);
  void start_anew();
  void prove_model();
  void end_trials();
  bool file_is_whole();
  void end_job(Job& job, const Error& error);
  void end_late_and_cancelled();
  void admit();
  bool resume();
  bool has_room_for(std::size_t pages) const;
  std::size_t pages_to_begin(const Request& request) const;
  Status reserve(model::KvCache& kv, std::size_t tokens);
  bool make_room(Sequence& sequence, std::size_t tokens);
  void pause_youngest();
  bool step();  // false: there was nothing to compute
  StepWork plan_step();
  void go_on_without_model();
  bool all_parked() const;
  void run_answers();
  void take_answer(Sequence& owner, const model::Slice& slice, std::span<float> logits,
                   std::size_t rows);
  void run_embeddings();
  std::size_t prompt_share(const Sequence& sequence, const StepWork& work, double limit) const;
  void answer(Sequence& sequence, std::span<float> logits);
  void start_choices(const Sequence& source);
  void retire_finished();
  void remove_finished();
  void drop_finished();
  void fail_all(const Error& error);

  model::Model& model_;
  const std::shared_ptr<model::KvPool> pool_;
  const EngineOptions options_;
  const std::shared_ptr<EngineMetrics> metrics_;

  mutable std::mutex mutex_;  // guards what follows
  mutable std::condition_variable work_;
  mutable std::chrono::steady_clock::time_point looked_{};  // and not woken since; epoch: woken
  FairQueue queue_;
  bool stopping_ = false;

  // The thread's own.
  PrefixTree prefixes_;
  Speculator speculator_;                           // outlives the sequences
  MaskWorkers masks_;                               // likewise
  MaskTrack::TimePoint mask_deadline_;              // of the running step
  std::vector<std::unique_ptr<Sequence>> running_;  // oldest first
  std::vector<std::unique_ptr<Sequence>> started_;  // join running_ after the step
  std::vector<std::unique_ptr<Sequence>> paused_;   // oldest last, and none older than running_
  bool trying_ = false;                             // one at a time: see engine_recovery.cpp
  std::vector<std::unique_ptr<Sequence>>
      tried_;            // oldest first: wait until all were, without pages
  int unexplained_ = 0;  // rounds that failed with nobody running
  StepCost cost_;
  // What the running step computes: the next tokens of some sequences.
  struct Batch {
    std::vector<model::Slice> slices;
    std::vector<Sequence*> owners;

    void add(Sequence& sequence, const model::Slice& slice);
    std::size_t tokens() const;
    void clear();
  };
  Batch answers_;
  Batch embeddings_;
  std::chrono::steady_clock::time_point measured_{};  // the pages
  std::vector<float> logits_;                         // [rows, V] of the last step
  std::vector<float> hidden_;                         // [T, D] of the last step\'s embeddings
  std::atomic<bool> alive_{false};
  std::atomic<std::uint64_t> preemptions_{0};
  std::thread thread_;  // last: started when all else stands
};

}  // namespace aquilon::engine
