// Sources of guesses at what an answer says next. A checked guess that is right is a token for
// little more than nothing; what a source says changes the speed of an answer, never its tokens.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "engine/request.h"
#include "engine/sampler.h"
#include "text/tokenizer.h"  // TokenId

namespace aquilon::engine {

// Threads: the engine's alone. Outlives the memories that it made.
class GuessSource {
 public:
  // What the source keeps of one answer; it can be dropped at any time.
  class Memory {
   public:
    virtual ~Memory() = default;
  };
  // One answer to be guessed at.
  struct Task {
    const Request& request;
    std::span<const text::TokenId> tokens;  // prompt and answer; they only ever grow
    std::span<const text::TokenId> forced;  // text that a constraint says comes next; see TokenMask
    const Sampler& sampler;                 // as it draws the next one
    std::unique_ptr<Memory>& memory;        // the source's own; null at first
    std::size_t most;                       // guesses
    std::size_t kind = 0;                   // of the guesses that are offered
    std::vector<text::TokenId> guesses = {};
  };

  virtual ~GuessSource() = default;
  // Sorts of guesses that are not equally good: of each the chance that is supposed of a guess
  // before any was checked.
  virtual std::span<const double> priors() const = 0;
  // Guesses that it would make at the task, at most task.most; sets task.kind.
  virtual std::size_t offer(Task& task) = 0;
  // What so many guesses at the task cost, in seconds, if `answers` are guessed at together.
  virtual double seconds(const Task& task, std::size_t guesses, std::size_t answers) const = 0;
  // Makes the guesses that were offered, at most task.most. A source may take its time to read what
  // is new to it, about `patience` seconds of it at once, and guess at a later step.
  virtual void guess(std::span<Task> tasks, double patience) = 0;
  // Something of it failed: forgets what answers share. Their memories are gone already.
  virtual void clear() {}
};

}  // namespace aquilon::engine
