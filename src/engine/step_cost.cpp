#include "engine/step_cost.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace aquilon::engine {
namespace {

constexpr double kForget = 0.97;  // weight of a step after the next
constexpr double kDisturbed = 4;  // times the expected: the most that counts
constexpr double kBelief = 1e-3;  // of the first guess, in observations
// Tokens that count one. That a decoding token counts little makes what streams alone tell the
// fixed cost: a step mostly reads the weights.
constexpr double kDecodingUnit = 16;
constexpr double kPromptUnit = 32;
constexpr double kPositionUnit = 1e5;
// A guess in seconds for machine and model unknown: fixed, 16 decoding tokens, 32 prompt tokens,
// 100,000 positions.
constexpr std::array<double, 4> kGuess = {0.01, 0.01, 0.1, 0.01};

}  // namespace

void StepWork::add_prompt(std::size_t tokens, std::size_t length) {
  const auto n = static_cast<double>(tokens);
  prompt += tokens;
  positions += n * static_cast<double>(length) + n * (n + 1) / 2;
}

void StepWork::add_decoding(std::size_t tokens, std::size_t length) {
  const auto n = static_cast<double>(tokens);
  decoding += tokens;
  positions += n * static_cast<double>(length) + n * (n + 1) / 2;
}

StepCost::StepCost() : cost_(kGuess) {
  for (std::size_t i = 0; i < kTerms; ++i) {
    squares_[i][i] = kBelief;
    products_[i] = kBelief * kGuess[i];
  }
}

StepCost::Terms StepCost::terms_of(const StepWork& work) {
  return {1, static_cast<double>(work.decoding) / kDecodingUnit,
          static_cast<double>(work.prompt) / kPromptUnit, work.positions / kPositionUnit};
}

double StepCost::seconds(const StepWork& work) const {
  const Terms terms = terms_of(work);
  double sum = 0;
  for (std::size_t i = 0; i < kTerms; ++i) sum += terms[i] * cost_[i];
  return sum;
}

std::size_t StepCost::prompt_within(const StepWork& work, std::size_t length, std::size_t limit,
                                    double seconds) const {
  std::size_t fits = 0;
  for (std::size_t step = std::bit_ceil(limit + 1); step > 0; step /= 2) {
    if (fits + step > limit) continue;
    StepWork more = work;
    more.add_prompt(fits + step, length);
    if (this->seconds(more) <= seconds) fits += step;
  }
  return fits;
}

void StepCost::observe(const StepWork& work, double seconds) {
  if (!std::isfinite(seconds) || seconds <= 0) return;
  const double counted = std::min(seconds, kDisturbed * this->seconds(work));
  const Terms terms = terms_of(work);
  for (std::size_t i = 0; i < kTerms; ++i) {
    for (std::size_t j = 0; j < kTerms; ++j)
      squares_[i][j] = kForget * squares_[i][j] + terms[i] * terms[j];
    products_[i] = kForget * products_[i] + terms[i] * counted;
    // The guess does not fade: where steps say nothing about a term, it stays.
    squares_[i][i] += (1 - kForget) * kBelief;
    products_[i] += (1 - kForget) * kBelief * kGuess[i];
  }
  solve();
}

// Least squares by coordinate descent, which keeps every cost at zero or above.
void StepCost::solve() {
  constexpr int kRounds = 50;  // from the last solution, which is near
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < kTerms; ++i) {
      double rest = products_[i];
      for (std::size_t j = 0; j < kTerms; ++j)
        if (j != i) rest -= squares_[i][j] * cost_[j];
      cost_[i] = std::max(0.0, rest / squares_[i][i]);
    }
  }
}

}  // namespace aquilon::engine
