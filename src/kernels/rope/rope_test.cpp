#include "kernels/rope/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <vector>

namespace aquilon::kernels {
namespace {

// Every pair against a complex rotation in double, both layouts, a tail that does not turn.
TEST(Rope, TurnsPairsAsComplexNumbers) {
  const std::size_t tokens = 3, heads = 2, dim = 12, rotated = 8, pairs = rotated / 2;
  for (const RopeLayout layout : {RopeLayout::kInterleaved, RopeLayout::kHalves}) {
    std::vector<float> x(tokens * heads * dim), cos(tokens * pairs), sin(tokens * pairs);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(3 * i));
    std::vector<double> angle(tokens * pairs);
    for (std::size_t i = 0; i < angle.size(); ++i) {
      angle[i] = 0.7 * static_cast<double>(i);
      cos[i] = static_cast<float>(std::cos(angle[i]));
      sin[i] = static_cast<float>(std::sin(angle[i]));
    }
    const std::vector<float> before = x;
    rope(x.data(), cos.data(), sin.data(), tokens, heads, dim, rotated, layout);
    for (std::size_t t = 0; t < tokens; ++t)
      for (std::size_t h = 0; h < heads; ++h)
        for (std::size_t i = 0; i < pairs; ++i) {
          const std::size_t head = (t * heads + h) * dim;
          const bool halves = layout == RopeLayout::kHalves;
          const std::size_t a = head + (halves ? i : 2 * i);
          const std::size_t b = halves ? a + pairs : a + 1;
          const auto want =
              std::complex<double>(before[a], before[b]) * std::polar(1.0, angle[t * pairs + i]);
          EXPECT_NEAR(x[a], want.real(), 1e-6);
          EXPECT_NEAR(x[b], want.imag(), 1e-6);
          for (std::size_t k = rotated; k < dim; ++k) EXPECT_EQ(x[head + k], before[head + k]);
        }
  }
}

}  // namespace
}  // namespace aquilon::kernels
