#include "kernels/rmsnorm/rmsnorm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/rmsnorm/rmsnorm_impl_internal.h"

namespace aquilon::kernels {
namespace {

class RmsnormTest : public testing::TestWithParam<Impl<RmsnormRow>> {
 protected:
  void SetUp() override {
    if (GetParam().isa > chosen_isa())
      GTEST_SKIP() << "this machine lacks " << isa_name(GetParam().isa);
  }
};

// Both sum in double: at most two roundings of f32 apart.
TEST_P(RmsnormTest, EqualsReferenceAtEverySize) {
  std::mt19937 rng(1);
  std::normal_distribution<float> normal;
  for (std::size_t dim = 1; dim <= 67; ++dim) {
    std::vector<float> x(dim + 1), weight(dim + 1), want(dim), got(dim);
    for (float& v : x) v = normal(rng);
    for (float& v : weight) v = normal(rng);
    rmsnorm_row_ref(x.data() + 1, weight.data() + 1, dim, 1e-5f, want.data());  // misaligned
    GetParam().fn(x.data() + 1, weight.data() + 1, dim, 1e-5f, got.data());
    for (std::size_t i = 0; i < dim; ++i)
      EXPECT_NEAR(got[i], want[i], 3e-7f * std::abs(want[i])) << dim << " at " << i;
  }
}

TEST_P(RmsnormTest, MayWorkInPlace) {
  std::vector<float> x(37), weight(37, 2.0f), want(37);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) - 18.0f;
  GetParam().fn(x.data(), weight.data(), x.size(), 1e-6f, want.data());
  GetParam().fn(x.data(), weight.data(), x.size(), 1e-6f, x.data());
  EXPECT_EQ(x, want);
}

TEST_P(RmsnormTest, ZerosStayZeroAndNanSpreads) {
  std::vector<float> x(16, 0.0f), weight(16, 1.0f), out(16, 7.0f);
  GetParam().fn(x.data(), weight.data(), 16, 1e-5f, out.data());
  for (const float v : out) EXPECT_EQ(v, 0.0f);
  x[3] = std::numeric_limits<float>::quiet_NaN();
  GetParam().fn(x.data(), weight.data(), 16, 1e-5f, out.data());
  for (const float v : out) EXPECT_TRUE(std::isnan(v));
}

INSTANTIATE_TEST_SUITE_P(All, RmsnormTest, testing::ValuesIn(rmsnorm_impls()),
                         [](const auto& info) { return std::string(isa_name(info.param.isa)); });

TEST(Rmsnorm, RowsDoNotSeeEachOther) {
  std::vector<float> x(3 * 20), weight(20, 1.5f), all(60), one(20);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i));
  rmsnorm(x.data(), weight.data(), 3, 20, 1e-5f, all.data());
  for (std::size_t t = 0; t < 3; ++t) {
    rmsnorm(x.data() + t * 20, weight.data(), 1, 20, 1e-5f, one.data());
    for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(one[i], all[t * 20 + i]);
  }
}

}  // namespace
}  // namespace aquilon::kernels
