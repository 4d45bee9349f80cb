#include "engine/ngram_draft.h"

#include <algorithm>

namespace aquilon::engine {
namespace {

using text::TokenId;

constexpr std::size_t kLongest = 4;
constexpr std::size_t kShortest = 2;
constexpr double kNew = 0.15;   // weight of the newest guess
constexpr double kFade = 0.01;  // towards the prior, a step
constexpr double kGain = 1.03;  // what a guess must promise: below it noise decides

// What stands behind the latest place of `words` in `where`, its end apart.
std::span<const TokenId> behind(std::span<const TokenId> where, std::span<const TokenId> words) {
  if (where.size() <= words.size()) return {};
  for (std::size_t at = where.size() - words.size(); at-- > 0;)
    if (std::equal(words.begin(), words.end(), where.begin() + static_cast<std::ptrdiff_t>(at)))
      return where.subspan(at + words.size());
  return {};
}

}  // namespace

std::vector<TokenId> guess_next(std::span<const TokenId> text, std::span<const TokenId> hint,
                                std::size_t most) {
  for (std::size_t n = std::min(kLongest, text.size()); n >= kShortest; --n) {
    const auto words = text.last(n);
    for (const auto where : {text, hint}) {
      const auto next = behind(where, words);
      if (next.empty()) continue;
      const auto take = next.first(std::min(most, next.size()));
      return {take.begin(), take.end()};
    }
  }
  return {};
}

void GuessRecord::learn(std::size_t guessed, std::size_t right) {
  for (std::size_t i = 0; i < std::min(right + 1, guessed); ++i)
    chance_ += kNew * ((i < right ? 1.0 : 0.0) - chance_);
}

void GuessRecord::fade() {
  chance_ += kFade * (kPrior - chance_);
}

double expected_right(double chance, std::size_t guesses) {
  double sum = 0, all = 1;
  for (std::size_t i = 0; i < guesses; ++i) sum += all *= chance;
  return sum;
}

std::size_t worth_checking(double chance, double tokens, std::size_t most,
                           const std::function<double(std::size_t guesses)>& seconds) {
  std::size_t best = 0;
  double rate = kGain * tokens / seconds(0);
  for (std::size_t k = 1; k <= most; ++k) {
    const double with = (tokens + expected_right(chance, k)) / seconds(k);
    if (with <= rate) continue;
    rate = with;
    best = k;
  }
  return best;
}

}  // namespace aquilon::engine
