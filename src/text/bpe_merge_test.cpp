#include "text/bpe_merge.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace aquilon::text {
namespace {

// The definition: join the leftmost pair of the best rank, again and again.
std::vector<TokenId> merge_by_definition(std::vector<TokenId> ids, const MergeTable& table) {
  while (true) {
    MergeTable::Rule best;
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const MergeTable::Rule rule = table.find(ids[i], ids[i + 1]);
      if (rule.rank < best.rank) {
        best = rule;
        at = i;
      }
    }
    if (best.rank == MergeTable::kNoRule) return ids;
    ids[at] = best.joined;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

// Rules among ids 0..29 in random order: results may rank better than what they are made of.
MergeTable random_table(std::mt19937& random) {
  MergeTable table(150);
  std::uniform_int_distribution<TokenId> id(0, 29);
  for (std::uint32_t rank = 0; rank < 150; ++rank) {
    const TokenId left = id(random);
    const TokenId right = id(random);
    table.insert(left, right, {rank, id(random)});
  }
  return table;
}

TEST(BpeMerge, FollowsTheDefinitionAtEveryLength) {
  std::mt19937 random(5);
  MergeScratch scratch;
  for (int round = 0; round < 20; ++round) {
    const MergeTable table = random_table(random);
    std::uniform_int_distribution<TokenId> id(0, 29);
    for (const std::size_t n : {0u, 1u, 2u, 3u, 7u, 63u, 64u, 65u, 66u, 128u, 300u}) {
      std::vector<TokenId> symbols(n);
      for (TokenId& s : symbols) s = id(random);
      const auto got = scratch.merge(symbols, table);
      EXPECT_EQ(std::vector<TokenId>(got.begin(), got.end()), merge_by_definition(symbols, table))
          << "round " << round << ", " << n << " symbols";
    }
  }
}

TEST(BpeMerge, JoinsLeftmostFirst) {
  MergeTable table(1);
  table.insert(1, 1, {0, 2});
  MergeScratch scratch;
  const std::vector<TokenId> short_run(5, 1), long_run(101, 1);
  const auto got = scratch.merge(short_run, table);
  EXPECT_EQ(std::vector<TokenId>(got.begin(), got.end()), (std::vector<TokenId>{2, 2, 1}));
  std::vector<TokenId> want(50, 2);
  want.push_back(1);
  const auto long_got = scratch.merge(long_run, table);
  EXPECT_EQ(std::vector<TokenId>(long_got.begin(), long_got.end()), want);
}

TEST(MergeTable, KeepsTheFirstRuleOfAPair) {
  MergeTable table(4);
  table.insert(1, 2, {7, 3});
  table.insert(1, 2, {8, 4});
  table.insert(2, 1, {9, 5});
  EXPECT_EQ(table.find(1, 2).rank, 7u);
  EXPECT_EQ(table.find(1, 2).joined, 3);
  EXPECT_EQ(table.find(2, 1).joined, 5);
  EXPECT_EQ(table.find(2, 2).rank, MergeTable::kNoRule);
}

}  // namespace
}  // namespace aquilon::text
