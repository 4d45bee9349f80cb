// Guesses at what an answer says next: what followed the same words before. A guess costs little to
// check, and a checked guess is a token for free; the answer is the same with and without.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "text/tokenizer.h"  // TokenId

namespace aquilon::engine {

// Up to `most` tokens that followed the latest earlier place in `text`, or else in `hint`, where
// its last tokens stand: four of them, or else three, or two. Time linear in their lengths.
std::vector<text::TokenId> guess_next(std::span<const text::TokenId> text,
                                      std::span<const text::TokenId> hint, std::size_t most);

// How often the guesses for one answer are right. Threads: one user at a time.
class GuessRecord {
 public:
  // Chance that a guess is right, given that those before it are.
  double chance() const { return chance_; }
  void learn(std::size_t guessed, std::size_t right);
  // A step without guesses: the past says less and less.
  void fade();

 private:
  double chance_ = kPrior;
  static constexpr double kPrior = 0.5;
};

// Guesses to check, at most `most`, so that a step has the most tokens a second.
//   tokens   that the step has without them
//   seconds  of a step that checks so many
std::size_t worth_checking(double chance, double tokens, std::size_t most,
                           const std::function<double(std::size_t guesses)>& seconds);
// Tokens that so many guesses are expected to bring.
double expected_right(double chance, std::size_t guesses);

}  // namespace aquilon::engine
