#include "model/kv_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>

namespace aquilon::model {
namespace {

ModelConfig tiny_config() {
  ModelConfig config;
  config.n_layers = 2;
  config.n_kv_heads = 1;
  config.head_dim = 4;
  return config;
}

std::shared_ptr<KvPool> tiny_pool(std::size_t pages) {
  return KvPool::create(tiny_config(), KvType::kF32, pages).value();
}

// The position's own mark, in the first layer's keys.
void mark(const KvCache& cache, std::size_t position, float value) {
  std::byte* page = cache.pool()->data(cache.pages()[position / kernels::kPagePositions]);
  std::memcpy(page + position % kernels::kPagePositions * sizeof value, &value, sizeof value);
}
float marked(const KvCache& cache, std::size_t position) {
  float value;
  const std::byte* page = cache.pool()->data(cache.pages()[position / kernels::kPagePositions]);
  std::memcpy(&value, page + position % kernels::kPagePositions * sizeof value, sizeof value);
  return value;
}

TEST(KvPool, GivesPagesOnceAndReusesTheLast) {
  const auto pool = tiny_pool(3);
  const PageId a = pool->allocate().value();
  const PageId b = pool->allocate().value();
  EXPECT_NE(a, b);
  pool->retain(a);
  pool->release(a);
  EXPECT_EQ(pool->references(a), 1u);
  EXPECT_EQ(pool->free_pages(), 1u);
  pool->release(a);
  pool->release(b);
  EXPECT_EQ(pool->allocate().value(), b);
  EXPECT_EQ(pool->allocate().value(), a);
  EXPECT_TRUE(pool->allocate().ok());
  const auto none = pool->allocate();
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, Code::kExhausted);
  EXPECT_EQ(none.error().message, "all 3 pages of keys and values are in use");
}

TEST(KvPool, SeesWhenItsCountsAreWrongAndBeginsAnew) {
  for (const bool shared : {false, true}) {
    const auto pool = tiny_pool(3);
    const PageId page = pool->allocate().value();
    KvCache cache(pool);
    ASSERT_TRUE(cache.reserve(20).ok());
    pool->release(page);
    EXPECT_FALSE(pool->damaged());
    if (shared) {
      pool->retain(page);
    } else {
      pool->release(page);
    }
    EXPECT_TRUE(pool->damaged());
    pool->reset([&] { cache.truncate(0); });
    EXPECT_FALSE(pool->damaged());
    EXPECT_EQ(pool->free_pages(), 3u);
    ASSERT_TRUE(cache.reserve(40).ok());
    EXPECT_EQ(pool->free_pages(), 0u);
  }
}

TEST(KvPool, RefusesWhatNoMachineHolds) {
  ModelConfig config = tiny_config();
  config.head_dim = std::size_t{1} << 20;
  for (const std::size_t pages : {std::size_t{1} << 32, std::size_t{1} << 31}) {
    const auto pool = KvPool::create(config, KvType::kBf16, pages);
    ASSERT_FALSE(pool.ok());
    EXPECT_EQ(pool.error().code, Code::kOutOfMemory);
  }
}

TEST(KvType, NamesAreThree) {
  EXPECT_EQ(parse_kv_type("bf16").value(), KvType::kBf16);
  EXPECT_EQ(parse_kv_type("f16").value(), KvType::kF16);
  EXPECT_EQ(parse_kv_type("f32").value(), KvType::kF32);
  EXPECT_EQ(parse_kv_type("q8_0").error().message,
            "--kv-type must be bf16, f16 or f32, but is 'q8_0'");
}

TEST(KvCache, CopiesASharedPageBeforeWriting) {
  const auto pool = tiny_pool(6);
  KvCache a(pool);
  ASSERT_TRUE(a.reserve(20).ok());
  for (std::size_t p = 0; p < 20; ++p) mark(a, p, static_cast<float>(p));
  a.advance(20);
  KvCache b = a.fork(18);
  EXPECT_EQ(pool->free_pages(), 4u);
  EXPECT_EQ(b.capacity(), 18u);
  ASSERT_TRUE(b.reserve(1).ok());
  EXPECT_EQ(b.pages()[0], a.pages()[0]);
  EXPECT_NE(b.pages()[1], a.pages()[1]);
  mark(b, 18, -1);
  EXPECT_EQ(marked(b, 17), 17);
  EXPECT_EQ(marked(a, 18), 18);
  // At the end of a page there is nothing to copy.
  KvCache c = a.fork(16);
  ASSERT_TRUE(c.reserve(1).ok());
  EXPECT_EQ(pool->free_pages(), 2u);
}

TEST(KvCache, ReserveGoesOnWhereItStopped) {
  const auto pool = tiny_pool(3);
  KvCache a(pool);
  auto b = std::make_unique<KvCache>(pool);
  ASSERT_TRUE(b->reserve(1).ok());
  EXPECT_EQ(a.reserve(48).error().code, Code::kExhausted);
  EXPECT_EQ(pool->free_pages(), 0u);
  b.reset();
  EXPECT_TRUE(a.reserve(48).ok());
  EXPECT_EQ(a.capacity(), 48u);
}

// Any order of operations keeps every sequence's own contents and loses no page.
TEST(KvCache, RandomOperationsKeepContentsAndCounts) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 rng(seed);
    const auto pool = tiny_pool(24);
    std::vector<std::pair<KvCache, std::vector<float>>>
        caches;  // with the marks that it should hold
    float next = 1;
    for (int step = 0; step < 400; ++step) {
      if (caches.empty() || rng() % 8 == 0)
        caches.emplace_back(KvCache(pool), std::vector<float>());
      const std::size_t i = rng() % caches.size();
      auto& [cache, want] = caches[i];
      const unsigned what = rng() % 4;
      if (what < 2) {
        const std::size_t n = rng() % 40;
        if (!cache.reserve(n).ok()) {
          caches.erase(caches.begin() + static_cast<std::ptrdiff_t>(i));
          continue;
        }
        for (std::size_t k = 0; k < n; ++k, ++next) {
          mark(cache, cache.length() + k, next);
          want.push_back(next);
        }
        cache.advance(n);
      } else if (what == 2) {
        want.resize(rng() % (want.size() + 1));
        cache.truncate(want.size());
      } else {
        const std::size_t length = rng() % (want.size() + 1);
        std::vector<float> same(want.begin(), want.begin() + static_cast<std::ptrdiff_t>(length));
        KvCache other = cache.fork(length);
        caches.emplace_back(std::move(other), std::move(same));
      }
      std::map<PageId, std::uint32_t> held;
      for (const auto& [c, marks] : caches) {
        for (const PageId page : c.pages()) ++held[page];
        for (std::size_t p = 0; p < marks.size(); ++p) ASSERT_EQ(marked(c, p), marks[p]);
      }
      ASSERT_EQ(pool->free_pages(), 24 - held.size());
      for (const auto& [page, count] : held) ASSERT_EQ(pool->references(page), count);
    }
    caches.clear();
    ASSERT_EQ(pool->free_pages(), 24u);
  }
}

}  // namespace
}  // namespace aquilon::model
