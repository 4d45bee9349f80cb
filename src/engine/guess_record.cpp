#include "engine/guess_record.h"

#include <algorithm>

namespace aquilon::engine {
namespace {

constexpr double kNew = 0.15;   // weight of the newest guess
constexpr double kFade = 0.01;  // towards the prior, a step
constexpr double kGain = 1.03;  // what guesses must promise: below it noise decides

}  // namespace

void GuessRecord::learn(std::size_t guessed, std::size_t right) {
  for (std::size_t i = 0; i < std::min(right + 1, guessed); ++i)
    chance_ += kNew * ((i < right ? 1.0 : 0.0) - chance_);
}

void GuessRecord::fade() {
  chance_ += kFade * (prior_ - chance_);
}

double expected_right(double chance, std::size_t guesses) {
  double sum = 0, all = 1;
  for (std::size_t i = 0; i < guesses; ++i) sum += all *= chance;
  return sum;
}

Worth worth_checking(double chance, double tokens, std::size_t most,
                     const std::function<double(std::size_t guesses)>& seconds) {
  const double without = tokens / seconds(0);
  Worth best{0, kGain * without};
  for (std::size_t k = 1; k <= most; ++k) {
    const double with = (tokens + expected_right(chance, k)) / seconds(k);
    if (with > best.rate) best = {k, with};
  }
  if (best.guesses == 0) best.rate = without;
  return best;
}

}  // namespace aquilon::engine
