// Guesses for free: what followed the same words before, in the text or in the request's
// prediction.
#pragma once

#include <span>
#include <vector>

#include "engine/guess_source.h"
#include "engine/ngram_index.h"

namespace aquilon::engine {

// What may follow a text that grows: the tokens behind the latest earlier place in it, or else in
// `hint`, where its last tokens stand: four of them, or else three, or two.
class NgramGuesser {
 public:
  NgramGuesser();
  // Up to `most` guesses. Time linear in what `text` has beyond the last call, whose text it begins
  // with; `hint` is always the same.
  struct Guess {
    std::vector<text::TokenId> tokens;
    std::size_t same =
        0;  // tokens before them that are the same in both places; kMostSame: or more
  };
  static constexpr std::size_t kMostSame = 12;
  Guess next(std::span<const text::TokenId> text, std::span<const text::TokenId> hint,
             std::size_t most);

 private:
  std::vector<NgramIndex> text_;  // longest runs first
  std::vector<NgramIndex> hint_;
};

class NgramSource final : public GuessSource {
 public:
  // What stood behind two words alike is right more rarely than what stood behind twelve.
  std::span<const double> priors() const override { return kPriors; }
  std::size_t offer(Task& task) override;
  double seconds(const Task&, std::size_t, std::size_t) const override { return 0; }
  void guess(std::span<Task> tasks, double patience) override;

 private:
  static constexpr double kPriors[] = {0.2, 0.35, 0.5, 0.8};
};

}  // namespace aquilon::engine
