#include "kernels/attention/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace aquilon::kernels {
namespace {

std::vector<float> random_values(std::size_t n, std::mt19937& rng) {
  std::vector<float> values(n);
  for (float& v : values) v = std::normal_distribution<float>()(rng);
  return values;
}

class AttentionTest : public testing::TestWithParam<Impl<AttentionHead>> {
 protected:
  void SetUp() override {
    if (GetParam().isa > chosen_isa())
      GTEST_SKIP() << "this machine lacks " << isa_name(GetParam().isa);
  }
};

// Tolerance: f32 sums over `length` positions of values of size 1.
TEST_P(AttentionTest, EqualsReference) {
  std::mt19937 rng(5);
  for (const std::size_t dim : {8u, 16u, 20u, 24u, 64u, 80u, 128u})
    for (const std::size_t length : {1u, 2u, 3u, 17u, 300u}) {
      const auto q = random_values(dim, rng), k = random_values(length * dim, rng),
                 v = random_values(length * dim, rng);
      std::vector<float> scores(length), want(dim), got(dim);
      attention_head_ref(q.data(), k.data(), v.data(), length, dim, 0.3f, scores.data(),
                         want.data());
      GetParam().fn(q.data(), k.data(), v.data(), length, dim, 0.3f, scores.data(), got.data());
      for (std::size_t i = 0; i < dim; ++i)
        ASSERT_NEAR(got[i], want[i], 5e-6) << dim << " " << length;
    }
}

TEST_P(AttentionTest, HugeScoresStayFinite) {
  const std::vector<float> q(8, 1000.0f), k(3 * 8, 1000.0f), v(3 * 8, 2.0f);
  std::vector<float> scores(3), out(8);
  GetParam().fn(q.data(), k.data(), v.data(), 3, 8, 1.0f, scores.data(), out.data());
  for (const float x : out) EXPECT_NEAR(x, 2.0f, 1e-6);
}

INSTANTIATE_TEST_SUITE_P(All, AttentionTest, testing::ValuesIn(attention_impls()),
                         [](const auto& info) { return std::string(isa_name(info.param.isa)); });

// One call over many tokens gives the bits of one call a token: prefill equals decode.
TEST(Attention, SlicingAndThreadsDoNotChangeBits) {
  const std::size_t heads = 6, kv_heads = 2, dim = 16, capacity = 40, tokens = 33;
  std::mt19937 rng(9);
  const auto q = random_values(tokens * heads * dim, rng);
  const auto k = random_values(kv_heads * capacity * dim, rng);
  const auto v = random_values(kv_heads * capacity * dim, rng);
  const KvView kv{k.data(), v.data(), capacity};
  std::vector<float> whole(q.size()), parts(q.size());
  ThreadPool two(2), one(1);
  attention(two, q.data(), kv, 4, tokens, heads, kv_heads, dim, whole.data());
  for (std::size_t t = 0; t < tokens; ++t)
    attention(one, q.data() + t * heads * dim, kv, 4 + t, 1, heads, kv_heads, dim,
              parts.data() + t * heads * dim);
  EXPECT_EQ(0, std::memcmp(whole.data(), parts.data(), whole.size() * sizeof(float)));
}

}  // namespace
}  // namespace aquilon::kernels
