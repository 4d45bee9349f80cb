#include "kernels/swiglu/swiglu.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace aquilon::kernels {
namespace {

TEST(Swiglu, EqualsDoubleFormulaOverTheWholeRange) {
  for (const Impl<Swiglu>& impl : swiglu_impls()) {
    if (impl.isa > chosen_isa()) continue;
    std::vector<float> gate, up;
    for (float x = -100.0f; x <= 100.0f; x += 0.37f) {
      gate.push_back(x);
      up.push_back(0.5f - x);
    }
    const std::vector<float> before = gate;
    impl.fn(gate.data(), up.data(), gate.size());
    for (std::size_t i = 0; i < gate.size(); ++i) {
      const double x = before[i];
      const double want = x / (1.0 + std::exp(-x)) * up[i];
      EXPECT_NEAR(gate[i], want, 5e-6 * std::abs(want) + 1e-30) << isa_name(impl.isa) << ' ' << x;
    }
  }
}

// The same bits wherever in a batch a value stands; what is no number stays none.
TEST(Swiglu, ValuesDoNotSeeEachOther) {
  for (const Impl<Swiglu>& impl : swiglu_impls()) {
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
  }
}

}  // namespace
}  // namespace aquilon::kernels
