#include "engine/prefix_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace aquilon::engine {
namespace {

using text::TokenId;
using Tokens = std::vector<TokenId>;

std::shared_ptr<model::KvPool> tiny_pool(std::size_t pages) {
  model::ModelConfig config;
  config.n_layers = 1;
  config.n_kv_heads = 1;
  config.head_dim = 1;
  return model::KvPool::create(config, model::KvType::kF32, pages).value();
}

Tokens counting(TokenId from, std::size_t n) {
  Tokens tokens(n);
  for (TokenId& id : tokens) id = from++;
  return tokens;
}

// Keeps a sequence of these tokens and ends it.
void run(PrefixTree& tree, const std::shared_ptr<model::KvPool>& pool, const Tokens& tokens,
         std::uint64_t salt = 0) {
  model::KvCache cache(pool);
  ASSERT_TRUE(cache.reserve(tokens.size()).ok());
  cache.advance(tokens.size());
  tree.keep(tokens, {salt}, cache);
}

std::size_t found(PrefixTree& tree, const std::shared_ptr<model::KvPool>& pool,
                  const Tokens& tokens, std::uint64_t salt = 0) {
  model::KvCache cache(pool);
  const std::size_t n = tree.find(tokens, {salt}, cache);
  EXPECT_EQ(cache.length(), n);
  return n;
}

TEST(PrefixTree, FindsWholePagesAndThePartOfOne) {
  const auto pool = tiny_pool(16);
  PrefixTree tree(pool);
  run(tree, pool, counting(0, 40));  // two whole pages; what is in the third is not kept
  EXPECT_EQ(tree.pages(), 2u);
  EXPECT_EQ(pool->free_pages(), 14u);
  struct {
    Tokens tokens;
    std::size_t want;
  } cases[] = {{counting(0, 40), 32}, {counting(0, 32), 32}, {counting(0, 20), 20},
               {counting(0, 5), 5},   {counting(1, 40), 0},  {{}, 0}};
  for (const auto& c : cases) EXPECT_EQ(found(tree, pool, c.tokens), c.want);
  Tokens parts = counting(0, 32);
  parts[19] = 1000;
  EXPECT_EQ(found(tree, pool, parts), 19u);
  EXPECT_EQ(found(tree, pool, counting(0, 40), 7), 0u);  // another tenant
  model::KvCache adapted(pool);
  EXPECT_EQ(tree.find(counting(0, 40), {.salt = 0, .adapter = 1}, adapted), 0u);
  EXPECT_EQ(pool->free_pages(), 14u);
}

TEST(PrefixTree, PartlySharedPageIsCopiedBeforeItIsWritten) {
  const auto pool = tiny_pool(4);
  PrefixTree tree(pool);
  run(tree, pool, counting(0, 16));
  model::KvCache cache(pool);
  ASSERT_EQ(tree.find(counting(0, 10), {}, cache), 10u);
  const model::PageId kept = cache.pages()[0];
  ASSERT_TRUE(cache.reserve(1).ok());
  EXPECT_NE(cache.pages()[0], kept);
  EXPECT_EQ(pool->references(kept), 1u);
}

TEST(PrefixTree, TheSameTokensAreKeptOnce) {
  const auto pool = tiny_pool(8);
  PrefixTree tree(pool);
  const Tokens tokens = counting(0, 48);
  model::KvCache a(pool), b(pool);
  for (model::KvCache* cache : {&a, &b}) {
    ASSERT_TRUE(cache->reserve(48).ok());
    cache->advance(48);
    tree.keep(tokens, {}, *cache);
  }
  EXPECT_TRUE(std::equal(a.pages().begin(), a.pages().end(), b.pages().begin()));
  EXPECT_EQ(pool->free_pages(), 5u);
}

TEST(PrefixTree, EvictsTheLongestUnusedThatNobodyHolds) {
  const auto pool = tiny_pool(16);
  PrefixTree tree(pool);
  run(tree, pool, counting(0, 32));
  run(tree, pool, counting(100, 32));
  run(tree, pool, counting(200, 16));
  EXPECT_EQ(found(tree, pool, counting(0, 32)), 32u);  // now the last used
  model::KvCache holder(pool);
  tree.find(counting(200, 16), {}, holder);
  EXPECT_TRUE(tree.evict());
  EXPECT_EQ(found(tree, pool, counting(100, 32)), 16u);  // its end went first
  EXPECT_TRUE(tree.evict());
  EXPECT_TRUE(tree.evict());
  EXPECT_EQ(found(tree, pool, counting(0, 32)) + found(tree, pool, counting(100, 32)), 16u);
  EXPECT_TRUE(tree.evict());
  EXPECT_FALSE(tree.evict());  // a sequence holds the last one
  EXPECT_EQ(tree.pages(), 1u);
}

// A long chain is given back without deep recursion.
TEST(PrefixTree, HoldsAMillionTokens) {
  const auto pool = tiny_pool(1 << 16);
  PrefixTree tree(pool);
  run(tree, pool, counting(0, 1 << 20));
  EXPECT_EQ(tree.pages(), std::size_t{1} << 16);
}

// Random use beside the plain definition: the set of all whole prefixes that are kept. Positions
// carry their token as contents, so that a wrong page shows.
class NaiveModel {
 public:
  explicit NaiveModel(std::size_t pages) : pool_(tiny_pool(pages)), tree_(pool_) {}

  void step(std::mt19937& rng) {
    Tokens tokens(rng() % 70);
    for (TokenId& id : tokens) id = static_cast<TokenId>(rng() % 24 == 0);  // beginnings are shared
    model::KvCache cache(pool_);
    const std::size_t length = tree_.find(tokens, {}, cache);
    ASSERT_EQ(length, expected(tokens));
    for (std::size_t p = 0; p < length; ++p) ASSERT_EQ(*contents(cache, p), tokens[p]);
    while (!cache.reserve(tokens.size() - length).ok()) {
      if (!running_.empty()) running_.erase(running_.begin());
      if (tree_.evict()) forget_one();
    }
    for (std::size_t p = length; p < tokens.size(); ++p) *contents(cache, p) = tokens[p];
    cache.advance(tokens.size() - length);
    tree_.keep(tokens, {}, cache);
    for (std::size_t n = 16; n <= tokens.size(); n += 16) kept_.insert(beginning(tokens, n));
    ASSERT_EQ(tree_.pages(), kept_.size());
    if (rng() % 3 == 0) running_.push_back(std::move(cache));
  }
  void end() {
    running_.clear();
    while (tree_.evict()) {
    }
    EXPECT_EQ(pool_->free_pages(), pool_->pages());
  }

 private:
  static Tokens beginning(const Tokens& tokens, std::size_t n) {
    return Tokens(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(n));
  }
  std::size_t expected(const Tokens& tokens) const {
    std::size_t longest = 0;
    for (const Tokens& kept : kept_) {
      const auto part = std::mismatch(kept.begin(), kept.end(), tokens.begin(), tokens.end());
      longest = std::max(longest, static_cast<std::size_t>(part.first - kept.begin()));
    }
    return longest;
  }
  TokenId* contents(const model::KvCache& cache, std::size_t p) const {
    return reinterpret_cast<TokenId*>(pool_->data(cache.pages()[p / 16])) + p % 16;
  }
  // One prefix is gone, and none that begins with it is left.
  void forget_one() {
    std::set<Tokens> left;
    for (const Tokens& tokens : kept_)
      if (found_whole(tokens)) left.insert(tokens);
    ASSERT_EQ(left.size() + 1, kept_.size());
    kept_ = std::move(left);
  }
  bool found_whole(const Tokens& tokens) {
    model::KvCache cache(pool_);
    return tree_.find(tokens, {}, cache) == tokens.size();
  }

  std::shared_ptr<model::KvPool> pool_;
  PrefixTree tree_;
  std::set<Tokens> kept_;
  std::vector<model::KvCache> running_;
};

TEST(PrefixTree, EqualsNaiveModel) {
  for (unsigned seed = 0; seed < 30 && !HasFatalFailure(); ++seed) {
    std::mt19937 rng(seed);
    NaiveModel naive(25);
    for (int i = 0; i < 150 && !HasFatalFailure(); ++i) naive.step(rng);
    naive.end();
  }
}

}  // namespace
}  // namespace aquilon::engine
