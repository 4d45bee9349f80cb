#include "engine/ngram_source.h"

#include <gtest/gtest.h>

#include <random>

#include "engine/guess_record.h"

namespace aquilon::engine {
namespace {

using Ids = std::vector<text::TokenId>;

TEST(NgramGuesser, GuessesWhatFollowedBefore) {
  const struct {
    Ids text, hint;
    std::size_t most;
    Ids want;
  } cases[] = {
      {{}, {}, 4, {}},
      {{1}, {}, 4, {}},
      {{1, 2, 3}, {}, 4, {}},
      {{1, 2, 3, 4, 1, 2}, {}, 4, {3, 4, 1, 2}},
      {{1, 2, 3, 4, 1, 2}, {}, 2, {3, 4}},
      {{1, 2, 3, 9, 1, 2, 4, 9, 1, 2}, {}, 1, {4}},           // the latest place
      {{7, 1, 2, 3, 9, 8, 1, 2, 4, 9, 7, 1, 2}, {}, 1, {3}},  // but longer words first
      {{5, 5, 5}, {}, 2, {5}},                                // the places overlap
      {{1, 2}, {0, 1, 2, 3, 4}, 4, {3, 4}},
      {{1, 2, 9, 1, 2}, {1, 2, 3}, 1, {9}},        // the text before the hint
      {{1, 2, 9, 3, 1, 2}, {3, 1, 2, 8}, 1, {8}},  // for words of one length
      {{1, 2}, {1, 2}, 4, {}},                     // nothing follows
  };
  for (const auto& c : cases)
    EXPECT_EQ(NgramGuesser().next(c.text, c.hint, c.most).tokens, c.want)
        << testing::PrintToString(c.text);
}

// Taken in token by token or at once, of few words or many: what a search of the whole text finds.
TEST(NgramGuesser, FindsWhatASearchFinds) {
  const auto search = [](std::span<const text::TokenId> text, std::size_t most) -> Ids {
    for (std::size_t n = std::min<std::size_t>(4, text.size()); n >= 2; --n)
      for (std::size_t end = text.size() - 1; end >= n; --end)
        if (std::equal(text.end() - static_cast<std::ptrdiff_t>(n), text.end(),
                       text.begin() + static_cast<std::ptrdiff_t>(end - n))) {
          const auto next = text.subspan(end, std::min(most, text.size() - end));
          return {next.begin(), next.end()};
        }
    return {};
  };
  std::mt19937 rng(1);
  for (const unsigned words : {2u, 5u, 40u, 1000u}) {
    Ids text;
    NgramGuesser growing;
    for (int i = 0; i < 700; ++i) {
      text.push_back(static_cast<text::TokenId>(rng() % words));
      if (rng() % 3 == 0) continue;
      const auto got = growing.next(text, {}, 6);
      ASSERT_EQ(got.tokens, search(text, 6)) << words << " " << i;
      ASSERT_TRUE(got.tokens.empty() || got.same >= 2);
    }
    EXPECT_EQ(NgramGuesser().next(text, {}, 6).tokens, search(text, 6));
  }
}

TEST(GuessRecord, LearnsWhetherGuessesAreRight) {
  GuessRecord record(0.5);
  for (int i = 0; i < 20; ++i) record.learn(4, 4);
  EXPECT_GT(record.chance(), 0.99);
  for (int i = 0; i < 20; ++i) record.learn(4, 0);
  EXPECT_LT(record.chance(), 0.05);
  for (int i = 0; i < 500; ++i) record.fade();
  EXPECT_NEAR(record.chance(), 0.5, 0.01);
  record.learn(0, 0);
  EXPECT_NEAR(record.chance(), 0.5, 0.01);
}

TEST(GuessRecord, ChecksWhatIsWorthIt) {
  EXPECT_NEAR(expected_right(0.5, 3), 0.875, 1e-12);
  const auto free = [](std::size_t) { return 1.0; };
  const auto dear = [](std::size_t k) { return 1.0 + static_cast<double>(k); };
  const auto some = [](std::size_t k) { return 1.0 + 0.1 * static_cast<double>(k); };
  EXPECT_EQ(worth_checking(0.9, 1, 8, free).guesses, 8u);
  EXPECT_EQ(worth_checking(0.9, 1, 8, dear).guesses, 0u);
  EXPECT_EQ(worth_checking(0.05, 1, 8, some).guesses, 0u);
  EXPECT_EQ(worth_checking(0.95, 1, 8, some).guesses, 8u);
  const std::size_t middle = worth_checking(0.5, 1, 8, some).guesses;
  EXPECT_GT(middle, 0u);
  EXPECT_LT(middle, 5u);
  EXPECT_EQ(worth_checking(0.9, 1, 0, free).guesses, 0u);
}

}  // namespace
}  // namespace aquilon::engine
