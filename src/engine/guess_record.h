// How often guesses are right, and how many of them a step should check.
#pragma once

#include <cstddef>
#include <functional>

namespace aquilon::engine {

// How often the guesses of one source at one answer are right. Threads: one user at a time.
class GuessRecord {
 public:
  // `prior`: what is believed of a source before it was seen, and again when it is long ago.
  GuessRecord(double prior) : prior_(prior), chance_(prior) {}

  // Chance that a guess is right, given that those before it are.
  double chance() const { return chance_; }
  void learn(std::size_t guessed, std::size_t right);
  // A step without guesses: the past says less and less.
  void fade();

 private:
  double prior_;
  double chance_;
};

// Tokens that so many guesses are expected to bring.
double expected_right(double chance, std::size_t guesses);

struct Worth {
  std::size_t guesses = 0;
  double rate = 0;  // expected tokens a second with them
};
// Guesses to check, at most `most`, so that a step has the most tokens a second; none unless they
// promise more than noise.
//   tokens   that the step has without them
//   seconds  of a step that makes and checks so many
Worth worth_checking(double chance, double tokens, std::size_t most,
                     const std::function<double(std::size_t guesses)>& seconds);

}  // namespace aquilon::engine
