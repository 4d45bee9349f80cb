// What a step checks of what answers may say next: from which source, and how much of it pays.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "engine/guess_source.h"
#include "engine/step_cost.h"

namespace aquilon::engine {

class Sequence;

inline constexpr std::size_t kMostGuesses = 8;  // at one answer, a step

// Guesses at what answers say next, checked together with the last token.
enum class Speculation { kOff, kWherePays, kAlways };

// Threads: the engine's alone. Outlives the sequences that it planned for.
class Speculator {
 public:
  // `draft`: a source beside those that cost nothing, or null.
  Speculator(Speculation when, std::unique_ptr<GuessSource> draft);

  // Gives sequences, none of which is prefilling, guesses to check; `work` is the step without them
  // and then with them, `cost` what steps have cost so far.
  void plan(std::span<const std::unique_ptr<Sequence>> running, const StepCost& cost,
            StepWork& work);
  // A step failed: what sources keep of all answers is forgotten.
  void clear();

 private:
  struct Choice;
  // What a step gives and costs as far as it is planned.
  struct Plan {
    StepWork work;
    double tokens;       // expected
    double seconds = 0;  // of guessing
    std::size_t answers;
  };
  Choice choose(Sequence& sequence, const StepCost& cost, const Plan& plan);

  const Speculation when_;
  std::vector<std::unique_ptr<GuessSource>> sources_;  // where two promise the same, the first one
};

}  // namespace aquilon::engine
