#include "engine/ngram_source.h"

#include <gtest/gtest.h>

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
