#include "kernels/attention/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "kernels/attention/kv_element.h"
#include "kernels/attention/kv_store.h"

namespace aquilon::kernels {
namespace {

constexpr KvType kTypes[] = {KvType::kBf16, KvType::kF16, KvType::kF32};
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> random_values(std::size_t n, std::mt19937& rng) {
  std::vector<float> values(n);
  for (float& v : values) v = std::normal_distribution<float>()(rng);
  return values;
}

float rounded(KvType type, float value) {
  std::byte memory[4];
  kv_write(type, memory, 0, value);
  return kv_read(type, memory, 0);
}

// One sequence in pages of its own; unused memory is NaN. Its queries, keys and values.
struct Sequence {
  KvLayout layout;
  std::size_t n_heads;
  std::size_t length;
  std::vector<float> q;  // [length, H, E]
  std::vector<float> k;  // [length, K, E]
  std::vector<float> v;
  std::vector<std::vector<std::byte>> memory;
  std::vector<std::byte*> pages;

  Sequence(const KvLayout& kv, std::size_t heads, std::size_t n, std::mt19937& rng)
      : layout(kv), n_heads(heads), length(n) {
    q = random_values(n * heads * kv.head_dim, rng);
    k = random_values(n * kv.n_kv_heads * kv.head_dim, rng);
    v = random_values(n * kv.n_kv_heads * kv.head_dim, rng);
    for (std::size_t p = 0; p < n; p += kPagePositions) {
      memory.emplace_back(kv.page_bytes(), std::byte{0xff});
      pages.push_back(memory.back().data());
    }
  }
  KvSlice slice(std::size_t position, std::size_t tokens) const {
    return {pages.data(), position, tokens};
  }
  void store(ThreadPool& pool, std::size_t layer, std::size_t position, std::size_t tokens) {
    const KvSlice s = slice(position, tokens);
    const std::size_t at = position * layout.n_kv_heads * layout.head_dim;
    store_kv(pool, layout, layer, {&s, 1}, k.data() + at, v.data() + at);
  }

  // The definition, in double over the stored keys and values.
  //   window  positions that a token sees; 0: all
  std::vector<float> exact(std::size_t window = 0, double scale = 0) const {
    if (scale == 0) scale = 1 / std::sqrt(static_cast<double>(layout.head_dim));
    const std::size_t dim = layout.head_dim;
    std::vector<float> out(q.size());
    std::vector<double> weights(length);
    std::vector<float> keys = k, values = v;
    for (float& x : keys) x = rounded(layout.type, x);
    for (float& x : values) x = rounded(layout.type, x);
    for (std::size_t t = 0; t < length; ++t)
      for (std::size_t h = 0; h < n_heads; ++h) {
        const std::size_t kv_head = h / (n_heads / layout.n_kv_heads);
        const auto at = [&](std::size_t p) { return (p * layout.n_kv_heads + kv_head) * dim; };
        const float* query = q.data() + (t * n_heads + h) * dim;
        const std::size_t first = window == 0 || t < window ? 0 : t + 1 - window;
        double highest = -INFINITY;
        for (std::size_t p = first; p <= t; ++p) {
          double dot = 0;
          for (std::size_t i = 0; i < dim; ++i)
            dot += static_cast<double>(query[i]) * keys[at(p) + i];
          weights[p] = dot * scale;
          highest = std::max(highest, weights[p]);
        }
        double total = 0;
        for (std::size_t p = first; p <= t; ++p)
          total += weights[p] = std::exp(weights[p] - highest);
        for (std::size_t i = 0; i < dim; ++i) {
          double sum = 0;
          for (std::size_t p = first; p <= t; ++p) sum += weights[p] * values[at(p) + i];
          out[(t * n_heads + h) * dim + i] = static_cast<float>(sum / total);
        }
      }
    return out;
  }
};

class AttentionTest : public testing::TestWithParam<Impl<AttentionBlockFn>> {
 protected:
  void SetUp() override {
    if (GetParam().isa > chosen_isa())
      GTEST_SKIP() << "this machine lacks " << isa_name(GetParam().isa);
  }

  // All tokens of a sequence in slices of the given sizes (the last one repeats).
  static std::vector<float> run(Sequence& s, std::size_t layer,
                                const std::vector<std::size_t>& sizes, int threads,
                                std::size_t window = 0, double scale = 0) {
    ThreadPool pool(threads);
    Attention attention({s.n_heads, window, scale}, GetParam().fn);
    std::vector<float> out(s.q.size(), kNan);
    for (std::size_t at = 0, i = 0; at < s.length; ++i) {
      const std::size_t n = std::min(sizes[std::min(i, sizes.size() - 1)], s.length - at);
      const KvSlice slice = s.slice(at, n);
      s.store(pool, layer, at, n);
      attention.plan(s.layout, {&slice, 1});
      const std::size_t row = at * s.n_heads * s.layout.head_dim;
      attention.run(pool, layer, s.q.data() + row, out.data() + row);
      at += n;
    }
    return out;
  }
};

// Tolerance: f32 sums of positions of size 1; the oracle sees the same rounded keys and values.
TEST_P(AttentionTest, EqualsDefinition) {
  struct {
    std::size_t heads, kv_heads, dim, length;
  } const cases[] = {{1, 1, 8, 1},     {2, 1, 20, 17},  {3, 3, 16, 40},  {14, 2, 64, 100},
                     {9, 3, 64, 70},   {3, 1, 80, 258}, {2, 1, 96, 290}, {7, 1, 24, 31},
                     {16, 1, 128, 33}, {8, 2, 256, 47}, {11, 1, 33, 50}, {24, 8, 16, 40}};
  std::mt19937 rng(5);
  for (const auto& c : cases)
    for (const KvType type : kTypes) {
      Sequence s({type, 2, c.kv_heads, c.dim}, c.heads, c.length, rng);
      const std::vector<float> want = s.exact();
      const std::vector<float> got = run(s, 1, {c.length}, 1);
      for (std::size_t i = 0; i < want.size(); ++i)
        ASSERT_NEAR(got[i], want[i], 3e-6) << c.heads << "/" << c.kv_heads << " x " << c.dim << ", "
                                           << c.length << " positions, value " << i;
    }
}

// Windows of all relations to pages, blocks and the text; scales of the caller's.
TEST_P(AttentionTest, WindowsEqualDefinition) {
  struct {
    std::size_t heads, kv_heads, dim, length, window;
    double scale;
  } const cases[] = {{2, 1, 16, 60, 1, 0},     {3, 1, 20, 100, 7, 0.5}, {4, 2, 24, 100, 16, 0},
                     {1, 1, 8, 90, 17, 0.1},   {2, 2, 16, 300, 255, 0}, {5, 1, 16, 600, 256, 0},
                     {3, 1, 16, 600, 257, 0},  {2, 1, 16, 700, 40, 0},  {1, 1, 16, 600, 599, 0},
                     {1, 1, 16, 40, 40, 0.25}, {1, 1, 16, 40, 1000, 0}, {60, 1, 8, 70, 20, 0},
                     {4, 4, 16, 1200, 300, 0}};
  std::mt19937 rng(21);
  for (const auto& c : cases)
    for (const KvType type : {KvType::kBf16, KvType::kF32}) {
      if (GetParam().isa == Isa::kRef && c.length > 300) continue;  // slow
      Sequence s({type, 1, c.kv_heads, c.dim}, c.heads, c.length, rng);
      const std::vector<float> want = s.exact(c.window, c.scale);
      const std::vector<float> got = run(s, 0, {c.length}, 1, c.window, c.scale);
      for (std::size_t i = 0; i < want.size(); ++i)
        ASSERT_NEAR(got[i], want[i], 3e-6)
            << c.length << " positions, window " << c.window << ", value " << i;
    }
}

// What was measured: the bits of a token depend on nothing but its own sequence.
TEST_P(AttentionTest, SlicingAndThreadsDoNotChangeBits) {
  std::mt19937 rng(9);
  const std::size_t length = GetParam().isa == Isa::kRef ? 300 : 800;
  for (const KvType type : kTypes) {
    Sequence s({type, 1, 2, 24}, 6, length, rng);
    const std::vector<float> whole = run(s, 0, {length}, 2);
    for (const std::vector<std::size_t>& sizes :
         {std::vector<std::size_t>{1}, {length - 1, 1}, {7, 250, 1, 2, 64}, {255, 3}, {16}})
      for (const int threads : {1, 3}) {
        const std::vector<float> sliced = run(s, 0, sizes, threads);
        EXPECT_EQ(0, std::memcmp(whole.data(), sliced.data(), whole.size() * sizeof(float)));
      }
  }
}

TEST_P(AttentionTest, SlicingWindowsDoesNotChangeBits) {
  std::mt19937 rng(17);
  const std::size_t length = GetParam().isa == Isa::kRef ? 300 : 800;
  for (const std::size_t window : {1u, 16u, 50u, 256u, 300u, 511u}) {
    Sequence s({KvType::kBf16, 1, 2, 24}, 6, length, rng);
    const std::vector<float> whole = run(s, 0, {length}, 2, window);
    for (const std::vector<std::size_t>& sizes :
         {std::vector<std::size_t>{1}, {length - 1, 1}, {7, 250, 1, 2, 64}, {255, 3}})
      for (const int threads : {1, 3}) {
        const std::vector<float> sliced = run(s, 0, sizes, threads, window);
        EXPECT_EQ(0, std::memcmp(whole.data(), sliced.data(), whole.size() * sizeof(float)))
            << window;
      }
  }
}

// Positions to 9,000, decoded one by one with a window: what lies before it has no say.
TEST_P(AttentionTest, FarPositionsSeeTheirWindowAlone) {
  std::mt19937 rng(23);
  const std::size_t length = 9000, dim = 16, window = 700, last = 40;
  ThreadPool pool(2);
  Sequence s({KvType::kF32, 1, 1, dim}, 2, length, rng);
  s.store(pool, 0, 0, length);
  Attention attention({.n_heads = 2, .window = window}, GetParam().fn);
  const auto decode = [&] {
    std::vector<float> out(last * 2 * dim);
    for (std::size_t t = 0; t < last; ++t) {
      const KvSlice slice = s.slice(length - last + t, 1);
      attention.plan(s.layout, {&slice, 1});
      attention.run(pool, 0, s.q.data() + (slice.position * 2) * dim, out.data() + t * 2 * dim);
    }
    return out;
  };
  const std::vector<float> want = decode();
  std::fill_n(s.k.begin(), (length - last + 1 - window) * dim, kNan);
  std::fill_n(s.v.begin(), (length - last + 1 - window) * dim, kNan);
  s.store(pool, 0, 0, length);
  const std::vector<float> got = decode();
  EXPECT_EQ(0, std::memcmp(want.data(), got.data(), want.size() * sizeof(float)));
  for (const float x : got) EXPECT_TRUE(std::isfinite(x));
}

// A batch of slices of any lengths gives the bits of each slice alone.
TEST_P(AttentionTest, BatchDoesNotChangeBits) {
  std::mt19937 rng(13);
  const std::size_t heads = 7, dim = 16;
  const KvLayout layout{KvType::kBf16, 1, 1, dim};
  std::vector<Sequence> sequences;
  for (const std::size_t length : {1u, 15u, 300u, 64u, 257u, 700u})
    sequences.emplace_back(layout, heads, length, rng);
  std::vector<KvSlice> batch;
  std::vector<float> q, want;
  ThreadPool pool(3);
  for (Sequence& s : sequences) {
    const std::vector<float> alone = run(s, 0, {s.length}, 1);
    const std::size_t n = 1 + rng() % std::min<std::size_t>(s.length, 20);
    const auto from = static_cast<std::ptrdiff_t>((s.length - n) * heads * dim);
    batch.push_back(s.slice(s.length - n, n));
    q.insert(q.end(), s.q.begin() + from, s.q.end());
    want.insert(want.end(), alone.begin() + from, alone.end());
  }
  Attention attention({.n_heads = heads}, GetParam().fn);
  attention.plan(layout, batch);
  for (int layer = 0; layer < 3; ++layer) {  // a plan serves many layers
    std::vector<float> got(q.size(), kNan);
    attention.run(pool, 0, q.data(), got.data());
    ASSERT_EQ(0, std::memcmp(want.data(), got.data(), got.size() * sizeof(float)));
  }
}

TEST_P(AttentionTest, HugeScoresStayFinite) {
  std::mt19937 rng(1);
  ThreadPool pool(1);
  Sequence s({KvType::kF32, 1, 1, 8}, 1, 300, rng);
  std::fill(s.q.begin(), s.q.end(), 1000.0f);
  std::fill(s.v.begin(), s.v.end(), 2.0f);
  for (float& x : s.k) x *= 1000;
  for (const float x : run(s, 0, {300}, 1)) EXPECT_NEAR(x, 2.0f, 1e-6);
}

// A position that is not finite spoils what sees it, and nothing before it in the same slice.
TEST_P(AttentionTest, NanStaysBehindItsPosition) {
  std::mt19937 rng(3);
  for (const KvType type : kTypes)
    for (const float poison : {kNan, std::numeric_limits<float>::infinity()}) {
      Sequence s({type, 1, 1, 16}, 3, 60, rng);
      const std::vector<float> clean = run(s, 0, {60}, 1);
      std::fill_n(s.k.begin() + 50 * 16, 16, poison);
      std::fill_n(s.v.begin() + 50 * 16, 16, poison);
      const std::vector<float> got = run(s, 0, {60}, 1);
      const std::size_t before = 50 * 3 * 16;
      EXPECT_EQ(0, std::memcmp(clean.data(), got.data(), before * sizeof(float)));
      EXPECT_FALSE(std::isfinite(got[before]));
    }
}

INSTANTIATE_TEST_SUITE_P(All, AttentionTest, testing::ValuesIn(attention_impls()),
                         [](const auto& info) { return std::string(isa_name(info.param.isa)); });

TEST(KvElement, RoundsToNearestEven) {
  const float inf = std::numeric_limits<float>::infinity();
  const auto bits = [](float f) { return quant::blocks::bits_of_float(f); };
  struct {
    float value, bf16, f16;
  } const cases[] = {
      {0.0f, 0.0f, 0.0f},
      {-0.0f, -0.0f, -0.0f},
      {1.0f, 1.0f, 1.0f},
      {1.00390625f, 1.0f, 1.00390625f},           // a tie of bf16, to even
      {1.01171875f, 1.015625f, 1.01171875f},      // a tie, to even, upwards
      {1.00048828125f, 1.0f, 1.0f},               // a tie of f16, to even
      {1.00146484375f, 1.0f, 1.001953125f},       // upwards
      {65519.0f, 65536.0f, 65504.0f},             // the last that f16 holds
      {-65520.0f, -65536.0f, -inf},               // the first that it does not
      {3.4028235e38f, inf, inf},                  // the largest f32
      {0x1p-25f, 0x1p-25f, 0.0f},                 // a tie of the least subnormal half, to even
      {0x1.8p-24f, 0x1.8p-24f, 0x1p-23f},         // a tie upwards
      {-0x1.ff8p-15f, -0x1p-14f, -0x1.ff8p-15f},  // the largest subnormal half
      {0x1p-149f, 0.0f, 0.0f},
      {-inf, -inf, -inf},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(bits(rounded(KvType::kBf16, c.value)), bits(c.bf16)) << c.value;
    EXPECT_EQ(bits(rounded(KvType::kF16, c.value)), bits(c.f16)) << c.value;
    EXPECT_EQ(bits(rounded(KvType::kF32, c.value)), bits(c.value));
  }
  for (const std::uint32_t nan : {0x7f800001u, 0x7fffffffu, 0xff812345u, 0x7fc00000u}) {
    const float value = quant::blocks::float_of_bits(nan);
    for (const KvType type : kTypes) EXPECT_TRUE(std::isnan(rounded(type, value))) << nan;
  }
  // Every half is its own image.
  for (std::uint32_t h = 0; h < 0x7c00; ++h) {
    const auto half = static_cast<std::uint16_t>(h);
    ASSERT_EQ(to_f16(quant::blocks::half_to_float_by_bits(half)), half);
  }
}

}  // namespace
}  // namespace aquilon::kernels
