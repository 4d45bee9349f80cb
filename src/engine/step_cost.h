// What a step costs on this machine, learnt from the steps before: so that a step can be given as
// much of the waiting prompts as fits a time.
#pragma once

#include <array>
#include <cstddef>

namespace aquilon::engine {

// What a step computes.
struct StepWork {
  std::size_t decoding = 0;  // tokens that continue an answer
  std::size_t prompt = 0;    // tokens of prompts
  double positions = 0;      // keys that each token looks at, summed over the tokens

  // A slice of `tokens` of a sequence that has `length` tokens already.
  void add_prompt(std::size_t tokens, std::size_t length);
  void add_decoding(std::size_t tokens, std::size_t length);
};

// seconds = fixed + decoding * d + prompt * p + positions * a, none negative: recursive least
// squares with forgetting, so that a machine that changes is followed within some dozens of steps.
// Threads: one user at a time.
class StepCost {
 public:
  StepCost();

  double seconds(const StepWork& work) const;
  // Most prompt tokens, up to `limit`, that a sequence of `length` tokens can add to `work` within
  // `seconds`; 0 if none can.
  std::size_t prompt_within(const StepWork& work, std::size_t length, std::size_t limit,
                            double seconds) const;
  // A step is done. One that took far longer than expected counts as disturbed, and less.
  void observe(const StepWork& work, double seconds);

 private:
  static constexpr std::size_t kTerms = 4;
  using Terms = std::array<double, kTerms>;

  static Terms terms_of(const StepWork& work);
  void solve();

  std::array<Terms, kTerms> squares_{};  // sum of terms times terms, older ones weighing less
  Terms products_{};                     // sum of terms times seconds
  Terms cost_{};                         // per term
};

}  // namespace aquilon::engine
