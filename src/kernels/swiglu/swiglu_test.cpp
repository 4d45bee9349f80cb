#include "kernels/swiglu/swiglu.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace aquilon::kernels {
namespace {

TEST(Swiglu, EqualsDoubleFormulaOverTheWholeRange) {
  std::vector<float> gate, up;
  for (float x = -100.0f; x <= 100.0f; x += 0.37f) {
    gate.push_back(x);
    up.push_back(0.5f - x);
  }
  const std::vector<float> before = gate;
  swiglu(gate.data(), up.data(), gate.size());
  for (std::size_t i = 0; i < gate.size(); ++i) {
    const double x = before[i];
    const double want = x / (1.0 + std::exp(-x)) * up[i];
    EXPECT_NEAR(gate[i], want, 1e-6 * std::abs(want) + 1e-30) << x;
  }
}

}  // namespace
}  // namespace aquilon::kernels
