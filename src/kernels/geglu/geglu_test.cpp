#include "kernels/geglu/geglu.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace aquilon::kernels {
namespace {

TEST(Geglu, EqualsDoubleFormulaOverTheWholeRange) {
  for (const Impl<Geglu>& impl : geglu_impls()) {
    if (impl.isa > chosen_isa()) continue;
    std::vector<float> gate, up;
    for (float x = -60.0f; x <= 60.0f; x += 0.037f) {
      gate.push_back(x);
      up.push_back(0.5f - x);
    }
    const std::vector<float> before = gate;
    impl.fn(gate.data(), up.data(), gate.size());
    for (std::size_t i = 0; i < gate.size(); ++i) {
      const double x = before[i];
      const double y = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
      const double want = x / (1 + std::exp(-2 * y)) * up[i];
      const double share = x > -1 ? 1e-6 : 2e-5;
      EXPECT_NEAR(gate[i], want, share * std::abs(want) + 1e-30) << isa_name(impl.isa) << ' ' << x;
    }
  }
}

// The form with tanh itself, where it is well conditioned.
TEST(Geglu, IsTheTanhForm) {
  for (const float x : {-3.0f, -1.0f, -0.25f, 0.0f, 0.5f, 2.0f, 7.0f}) {
    float gate = x;
    const float up = 1;
    geglu(&gate, &up, 1);
    const double y = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
    EXPECT_NEAR(gate, 0.5 * x * (1 + std::tanh(y)), 1e-6) << x;
  }
}

// The same bits wherever in a batch a value stands; what is no number stays none.
TEST(Geglu, ValuesDoNotSeeEachOther) {
  for (const Impl<Geglu>& impl : geglu_impls()) {
    if (impl.isa > chosen_isa()) continue;
    std::vector<float> gate, up(21, 3.0f);
    for (int i = 0; i < 21; ++i) gate.push_back(static_cast<float>(i) - 9.7f);
    const std::vector<float> before = gate;
    impl.fn(gate.data(), up.data(), gate.size());
    for (std::size_t i = 0; i < gate.size(); ++i) {
      float alone = before[i];
      impl.fn(&alone, &up[i], 1);
      EXPECT_EQ(alone, gate[i]) << isa_name(impl.isa) << ' ' << i;
    }
    float nan = NAN;
    impl.fn(&nan, up.data(), 1);
    EXPECT_TRUE(std::isnan(nan)) << isa_name(impl.isa);
    float huge[] = {1e20f, -1e20f};
    impl.fn(huge, up.data(), 2);
    EXPECT_EQ(huge[0], 3e20f) << isa_name(impl.isa);
    EXPECT_NEAR(huge[1], 0, 1e-10) << isa_name(impl.isa);
  }
}

}  // namespace
}  // namespace aquilon::kernels
