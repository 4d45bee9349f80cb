// A request in the engine and the sequences that answer it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "engine/prefix_tree.h"
#include "engine/request.h"
#include "engine/sampler.h"
#include "engine/text_stream.h"
#include "model/forward.h"
#include "model/kv_cache.h"
#include "model/model.h"

namespace aquilon::engine {

// A request, its sink and its count of tokens. The engine's thread owns all but cancel and detach.
class Job {
 public:
  Job(Request request, EventSink sink, std::uint64_t seed)
      : request_(std::move(request)), sink_(std::move(sink)), seed_(seed) {
    usage_.prompt_tokens = static_cast<int>(request_.prompt.size());
  }

  const Request& request() const { return request_; }
  std::uint64_t seed() const { return seed_; }
  Usage& usage() { return usage_; }

  void cancel() { cancelled_ = true; }
  bool cancelled() const { return cancelled_; }
  // No event is delivered after this returns.
  void detach();
  // Counts the event's ids; completes the last choice's event with usage and error; delivers it.
  void emit(Event event);
  // Ends every choice that has not ended.
  void fail(const Error& error);

  // Choices beyond the first start from the prompt's last logits.
  //   row  [V]
  void keep_first_logits(std::span<const float> row) {
    first_logits_.assign(row.begin(), row.end());
  }
  std::vector<float> first_logits() const { return first_logits_; }
  bool has_next_choice() const { return next_choice_ < request_.n; }
  int take_next_choice() { return next_choice_++; }

 private:
  const Request request_;
  const EventSink sink_;
  const std::uint64_t seed_;
  std::atomic<bool> cancelled_{false};
  std::recursive_mutex sink_mutex_;  // held while the sink runs; the sink may destroy its ticket
  bool detached_ = false;
  std::vector<float> first_logits_;  // [V], when n > 1
  int next_choice_ = 1;
  Usage usage_;
  std::vector<bool> ended_ = std::vector<bool>(static_cast<std::size_t>(request_.n));
};

// One choice of a job, running. Made by prefilling the prompt, or from a sequence that has.
class Sequence {
 public:
  Sequence(std::shared_ptr<Job> job, int choice, const model::Model& model, std::size_t context,
           model::KvCache kv);

  Job& job() const { return *job_; }
  // Starts from what is computed already of the prompt, all but its last token at most.
  void find_prefix(PrefixTree& prefixes);
  // Leaves what is computed to later requests.
  void keep_prefix(PrefixTree& prefixes);
  bool prefilling() const { return fed_ < job_->request().prompt.size(); }
  bool started() const { return !answer_.empty(); }
  bool finished() const { return finished_; }
  // The next tokens to run, at most `limit`; logits are wanted with the prompt's last token.
  model::Slice next_slice(std::size_t limit);
  // After the pass: what `slice` fed is done.
  void fed(const model::Slice& slice);
  // Chooses the next token from this sequence's row of logits and emits it.
  void advance(std::span<float> logits);
  // A sequence for another choice, which shares the pages of the prompt.
  std::unique_ptr<Sequence> fork(int choice) const;
  void abandon() { finished_ = true; }

 private:
  std::optional<FinishReason> finish_reason(text::TokenId id) const;

  std::shared_ptr<Job> job_;
  const int choice_;
  const model::Model& model_;
  const std::size_t context_;
  model::KvCache kv_;
  Sampler sampler_;
  TextStream text_;
  std::size_t fed_;  // tokens of prompt and answer that the model has seen
  std::vector<text::TokenId> answer_;
  bool finished_ = false;
};

// Pages that a sequence of the request may come to hold: those of its longest answer, and one for
// the moment at which it copies a shared page.
std::size_t most_pages(const Request& request, std::size_t context);

}  // namespace aquilon::engine
