// What may come next in constrained answers, found out by other threads while the model computes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/result.h"
#include "constraint/matcher.h"
#include "text/tokenizer.h"

namespace aquilon::engine {

// Of one place in an answer.
struct TokenMask {
  std::vector<constraint::MaskWord> words;  // a bit for each token that may come
  std::optional<Error> error;               // instead: why that is not known
  bool none = false;                        // no token may come
  bool may_end = false;                     // the answer is whole here
  text::TokenId only = -1;                  // the one token that may come; -1: several, or none
  // Text that must come here and is several tokens, as the tokenizer cuts it, but for its last
  // token, which what follows may change. Other cuts of it may come as well.
  std::vector<text::TokenId> text;
};

class MaskWorkers;

// One answer and guesses at how it goes on. Threads: the engine's alone calls it; the workers run
// work().
class MaskTrack : public std::enable_shared_from_this<MaskTrack> {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // MaskWorkers::follow makes them.
  MaskTrack(MaskWorkers& workers, const constraint::Matcher& matcher);

  // What may come behind the accepted tokens; null if that is not known at `deadline`.
  std::shared_ptr<const TokenMask> mask(TimePoint deadline);
  // A token that mask() lets through is the next one of the answer.
  void accept(text::TokenId token);
  // These may follow: their masks are made too, as far as they may come.
  void expect(std::span<const text::TokenId> guesses);
  // Nobody waits for masks any more.
  void abandon();
  // The mask comes late: whoever makes it is replaced for the others, and if it takes long does so
  // at the lowest priority. To be called again while it does.
  void step_aside();

 private:
  friend class MaskWorkers;
  static constexpr std::size_t kNever = ~std::size_t{0};

  // With the workers' mutex held.
  void replace(std::size_t from, std::span<const text::TokenId> with);
  void post();
  bool wanted() const;
  // On a worker, with `lock` held; released while it computes.
  void work(std::unique_lock<std::mutex>& lock);
  std::shared_ptr<TokenMask> compute_contained(std::size_t keep,
                                               std::span<const text::TokenId> more);
  std::shared_ptr<TokenMask> compute(std::size_t keep, std::span<const text::TokenId> more);
  std::vector<text::TokenId> forced_text();

  MaskWorkers& workers_;
  constraint::Matcher matcher_;  // the worker's that has the track
  const std::size_t begun_;      // what it had accepted before the answer
  // Guarded by the workers' mutex.
  std::vector<text::TokenId> tokens_;  // the answer, then what is expected
  std::size_t answered_ = 0;           // of them the answer's
  // Of the places from answered_ on, one after the other.
  std::deque<std::shared_ptr<const TokenMask>> masks_;
  std::size_t same_ = 0;             // tokens that the matcher has accepted and that still stand
  std::size_t changed_at_ = kNever;  // the first token that changed while a worker computed
  std::size_t blocked_ = kNever;     // the place before which a token may not come
  bool queued_ = false;              // waits for a worker, or has one
  bool abandoned_ = false;
};

// The threads. An answer's masks are made by one at a time. Threads: safe.
class MaskWorkers {
 public:
  // `tokenizer` outlives it. `threads`: at least 1, begun with the first answer. `with_texts`:
  // TokenMask::text is wanted.
  MaskWorkers(const text::Tokenizer& tokenizer, std::size_t threads, bool with_texts)
      : tokenizer_(tokenizer), threads_(threads), with_texts_(with_texts) {}
  // Waits for the masks that are being made. No track is used afterwards.
  ~MaskWorkers();

  // Begins with the mask of the answer's first token.
  std::shared_ptr<MaskTrack> follow(const constraint::Matcher& matcher);
  // How many masks were made; waits until there are more than `seen`, or `deadline`.
  std::uint64_t made() const;
  void wait(std::uint64_t seen, MaskTrack::TimePoint deadline);

 private:
  friend class MaskTrack;
  struct Worker {
    std::thread thread;
    int id = 0;                       // of the operating system; 0: not known yet
    const MaskTrack* busy = nullptr;  // with it
    MaskTrack::TimePoint busy_since;
    bool retired = false;  // ends after its work
    bool lowered = false;  // its priority is
    bool done = false;     // has ended
  };

  // With the mutex held.
  void add_worker();
  void set_aside(Worker& worker);
  void join_done();
  void run(Worker& self);

  const text::Tokenizer& tokenizer_;
  const std::size_t threads_;
  const bool with_texts_;
  mutable std::mutex mutex_;
  std::condition_variable work_, done_;
  std::uint64_t made_ = 0;
  std::deque<std::shared_ptr<MaskTrack>> queue_;
  std::list<Worker> workers_;
  bool stopping_ = false;
};

}  // namespace aquilon::engine
