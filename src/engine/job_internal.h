// A request in the engine and the sequences that answer it.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "engine/guess_record.h"
#include "engine/guess_source.h"
#include "engine/prefix_tree.h"
#include "engine/request.h"
#include "engine/request_times.h"
#include "engine/sampler.h"
#include "engine/text_stream.h"
#include "engine/token_masks.h"
#include "model/forward.h"
#include "model/kv_cache.h"
#include "model/model.h"

namespace aquilon::engine {

// A request, its sink and its count of tokens. The engine's thread owns all but cancel and detach.
class Job {
 public:
  using Clock = std::chrono::steady_clock;

  // `metrics` may be null.
  Job(Request request, EventSink sink, std::uint64_t seed, Clock::time_point deadline,
      EngineMetrics* metrics = nullptr)
      : request_(std::move(request)),
        sink_(std::move(sink)),
        seed_(seed),
        deadline_(deadline),
        times_(metrics, request_.waited_seconds) {
    usage_.prompt_tokens = static_cast<int>(request_.prompt.size());
  }

  const Request& request() const { return request_; }
  std::uint64_t seed() const { return seed_; }
  Usage& usage() { return usage_; }
  // Has its first sequence, and its prompt been looked up among those computed.
  void begin() { times_.begin(usage_); }

  void cancel() { cancelled_ = true; }
  bool cancelled() const { return cancelled_; }
  bool late(Clock::time_point now) const { return now >= deadline_; }
  // No event is delivered after this returns.
  void detach();
  // Counts the event's ids; completes the last choice's event with usage and error; delivers it.
  void emit(Event event);
  // Every choice has ended.
  bool over() const;
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
  void deliver(Event event);
  Ending ending(const Event& last) const;

  const Request request_;
  const EventSink sink_;
  const std::uint64_t seed_;
  const Clock::time_point deadline_;
  RequestTimes times_;
  std::atomic<bool> cancelled_{false};
  std::recursive_mutex sink_mutex_;  // held while the sink runs; the sink may destroy its ticket
  bool detached_ = false;
  std::vector<float> first_logits_;  // [V], when n > 1
  int next_choice_ = 1;
  Usage usage_;
  bool ended_well_ = false;  // some choice has
  std::vector<bool> ended_ = std::vector<bool>(static_cast<std::size_t>(request_.n));
};

inline constexpr std::size_t kMostForcedTokens = 16;  // of an answer, fed with its last token
// What it did at its last token together with others may be the second or third step alone.
inline constexpr std::size_t kTrialTokens = 4;

// One choice of a job, running. Made by prefilling the prompt, or from a sequence that has.
class Sequence {
 public:
  // `masks`: who follows the request's constraint, if it has one; outlives the sequence.
  Sequence(std::shared_ptr<Job> job, int choice, const model::Model& model, std::size_t context,
           model::KvCache kv, MaskWorkers& masks);
  ~Sequence();

  Job& job() const { return *job_; }
  model::KvCache& kv() { return kv_; }
  // Starts from what is computed already of the prompt, all but its last token at most.
  void find_prefix(PrefixTree& prefixes);
  // Leaves what is computed to later requests.
  void keep_prefix(PrefixTree& prefixes);
  // Feeds tokens that are known already: its prompt, or after a pause its answer too. The last one
  // and some that had to follow it are no such prompt.
  bool prefilling() const { return !started() || tokens_.size() - fed_ > 1 + kMostForcedTokens; }
  bool started() const { return tokens_.size() > prompt_size(); }
  bool finished() const { return finished_; }
  std::size_t fed() const { return fed_; }
  std::size_t tokens() const { return tokens_.size(); }
  // Tokens that the next slice takes of those known, at most.
  std::size_t most_next() const;
  // The next tokens to run, at most `limit`; logits are wanted with the last that is known, and
  // with all of a prompt whose log-probabilities are.
  model::Slice next_slice(std::size_t limit);
  // After the pass: what `slice` fed is done. `logits` are its rows, [rows, V].
  void take(const model::Slice& slice, std::span<const float> logits);
  // The prompt's embedding is wanted: its slices take hidden states, [tokens, D].
  bool embeds() const { return job_->request().pooling != Pooling::kNone; }
  void take_hidden(const model::Slice& slice, std::span<const float> hidden);
  // What one source of guesses knows of this sequence, and what is known of its guesses.
  struct Guessing {
    std::vector<GuessRecord> records;  // one a kind of guesses
    std::unique_ptr<GuessSource::Memory> memory;
  };
  Guessing& guessing(std::size_t source, std::span<const double> priors);
  // Guesses, at most `most`, that the answer has room for.
  std::size_t guess_room(std::size_t most) const;
  GuessSource::Task guess_task(Guessing& guessing, std::size_t most);
  // The next slice checks these guesses of the source at what follows the last token.
  void check(std::size_t source, const GuessSource::Task& task);
  std::size_t guesses() const { return draft_.empty() ? 0 : draft_.size() - 1; }
  // The next token is chosen: if it is the guess at `i`, what follows is computed already.
  void accept(std::size_t i);
  // After the last token of a step: forgets what was computed of wrong guesses.
  void settle();
  // The answer stands at its next token, whose logits were wanted.
  bool at_next() const { return fed_ == tokens_.size() && !finished_ && !parked(); }
  // Chooses the next token from this sequence's row of logits and emits it. What its constraint
  // allows is waited for until `until`; then the sequence is parked, with its logits.
  void advance(std::span<float> logits, MaskTrack::TimePoint until);
  bool parked() const { return !parked_.empty(); }
  // The next step has nothing to do for it.
  bool idle() const { return parked() || finished_; }
  // A parked one goes on if it can.
  void unpark();
  // Takes the tokens of which it is known, or at `until`, that no other may come: nothing of the
  // model is needed for them.
  void take_forced(MaskTrack::TimePoint until);
  // Gives its pages back; what it has computed is computed again when it goes on.
  void pause();
  // A step failed in which it was: it has to get past where it is now. How often it had to.
  int suspect() {
    suspected_at_ = tokens_.size();
    return ++suspected_;
  }
  bool on_trial() const {
    return suspected_ > 0 && tokens_.size() < suspected_at_ + kTrialTokens && !finished_;
  }
  // Pages that it holds or will before it has fed what is known and `more` tokens.
  std::size_t pages_with(std::size_t more) const;
  // A sequence for another choice, which shares the pages of the prompt.
  std::unique_ptr<Sequence> fork(int choice) const;
  void abandon() { finished_ = true; }

 private:
  std::size_t prompt_size() const { return job_->request().prompt.size(); }
  model::AdapterUse adapter() const;
  PrefixScope scope() const;
  int answered() const { return static_cast<int>(tokens_.size() - prompt_size()); }
  bool wants_prompt_logprobs() const {
    return choice_ == 0 && !started() && job_->request().prompt_logprobs >= 0;
  }
  bool may_end() const { return answered() >= job_->request().min_tokens; }
  Event new_event();
  void forbid_ends(std::span<float> logits) const;
  void keep_to(const TokenMask& mask, std::span<float> logits) const;
  bool ends_here(const TokenMask& mask);
  void end_without_token(Event event, FinishReason reason);
  bool branch_has_room() const;
  bool weighing() const { return !beginning_.empty(); }
  void weigh(std::span<const float> logits, MaskTrack::TimePoint until);
  void take_branch(bool taken);
  bool is_astray(const TokenMask& mask, std::span<const float> logits) const;
  void choose(std::span<float> logits, const TokenMask* mask);
  void append(text::TokenId id, std::optional<TokenLogprobs> logprobs);
  std::optional<FinishReason> finish_reason(text::TokenId id) const;

  std::shared_ptr<Job> job_;
  const int choice_;
  const model::Model& model_;
  const std::size_t context_;
  model::KvCache kv_;
  Sampler sampler_;
  MaskWorkers& mask_workers_;
  std::shared_ptr<MaskTrack> masks_;         // null: no constraint
  std::shared_ptr<const TokenMask> latest_;  // whose text is guessed
  std::vector<float> parked_;                // [V]  logits that wait for a mask
  std::shared_ptr<MaskTrack> branch_masks_;  // behind the branch's beginning, until it is weighed
  std::vector<float> beginning_;             // [V]  behind the prompt, while the branch is fed
  bool late_ = false;                        // the last mask was
  TextStream text_;
  std::unique_ptr<AnswerWatch> watch_;  // may be null
  std::vector<text::TokenId> tokens_;   // prompt and answer
  std::size_t fed_;                     // of them that the model has seen
  std::vector<text::TokenId> draft_;    // its last token and guesses at the next; empty: none
  std::size_t draft_source_ = 0;
  std::size_t draft_kind_ = 0;
  std::deque<Guessing> guessing_;  // one a source, as far as they were asked
  std::vector<TokenLogprobs> prompt_logprobs_;
  std::vector<double> pooled_;  // [D]
  int suspected_ = 0;
  std::size_t suspected_at_ = 0;  // tokens
  bool finished_ = false;
};

// Pages that a sequence of the request, of which `known` tokens are known, holds once it has fed
// these and `more` of its answer: one more while it copies a shared one.
std::size_t pages_soon(const Request& request, std::size_t context, std::size_t known,
                       std::size_t more);

}  // namespace aquilon::engine
