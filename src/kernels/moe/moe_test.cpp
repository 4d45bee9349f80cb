#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>

#include "kernels/moe/choose_experts.h"
#include "kernels/moe/grouped_linear.h"
#include "tensor/huge_buffer.h"

namespace aquilon::kernels {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(ChooseExperts, TakesTheHighestAndSharesBySoftmax) {
  const float logits[] = {1, 3, -2, 2, 3};
  ExpertChoice chosen[3];
  choose_experts(logits, 5, 3, true, chosen);
  const double total = 2 + std::exp(-1.0);
  EXPECT_EQ(chosen[0].expert, 1u);
  EXPECT_EQ(chosen[1].expert, 4u);  // as high: the lower number first
  EXPECT_EQ(chosen[2].expert, 3u);
  EXPECT_FLOAT_EQ(chosen[0].share, static_cast<float>(1 / total));
  EXPECT_FLOAT_EQ(chosen[2].share, static_cast<float>(std::exp(-1.0) / total));

  choose_experts(logits, 5, 3, false, chosen);
  const double all = total + std::exp(-2.0) + std::exp(-5.0);
  EXPECT_EQ(chosen[2].expert, 3u);
  EXPECT_FLOAT_EQ(chosen[0].share, static_cast<float>(1 / all));
}

TEST(ChooseExperts, EqualsSortingOnRandomLogits) {
  std::mt19937 rng(2);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<float> logits(1 + rng() % 130);
    for (float& l : logits) l = static_cast<float>(rng() % 40) - 20;  // with many ties
    const std::size_t used = 1 + rng() % logits.size();
    std::vector<std::uint32_t> order(logits.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return logits[a] > logits[b]; });
    std::vector<ExpertChoice> chosen(used);
    choose_experts(logits.data(), logits.size(), used, true, chosen.data());
    double sum = 0;
    for (std::size_t i = 0; i < used; ++i) {
      ASSERT_EQ(chosen[i].expert, order[i]);
      sum += chosen[i].share;
    }
    EXPECT_NEAR(sum, 1, 1e-5);
  }
}

TEST(ChooseExperts, WhatIsNoNumberComesLast) {
  const float logits[] = {kNan, 1, kNan, INFINITY, -INFINITY};
  ExpertChoice chosen[5];
  choose_experts(logits, 5, 5, true, chosen);
  const std::uint32_t want[] = {3, 1, 4, 0, 2};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(chosen[i].expert, want[i]);
}

// Random Q8_0 matrices, packed.
struct Matrices {
  std::vector<std::vector<std::byte>> stored;
  std::vector<tensor::HugeBuffer> memory;
  std::vector<quant::PackedMatrix> packed;

  Matrices(std::size_t n, std::size_t rows, std::size_t columns, std::mt19937& rng) {
    for (std::size_t i = 0; i < n; ++i) {
      stored.emplace_back(rows * columns / 32 * 34);
      for (std::byte& b : stored.back()) b = static_cast<std::byte>(rng());
      for (std::size_t block = 0; block < stored.back().size(); block += 34) {
        const std::uint16_t scale = 0x2000 + rng() % 0x800;  // f16, about 0.01
        std::memcpy(stored.back().data() + block, &scale, sizeof scale);
      }
      const tensor::MatrixView view{stored.back().data(), tensor::DType::kQ8_0, rows, columns};
      memory.push_back(tensor::HugeBuffer::create(quant::packed_bytes(view)).value());
      const quant::PackedMatrix m{memory.back().data(), *quant::packing_of(view.dtype), rows,
                                  columns};
      quant::pack_groups(view, 0, m.groups(), memory.back().data());
      packed.push_back(m);
    }
  }
};

// Each group's rows have the bits that linear() gives them alone.
TEST(GroupedLinear, EqualsLinearRowByRow) {
  std::mt19937 rng(7);
  ThreadPool pool(3);
  const std::size_t rows = 40, columns = 160;
  const Matrices m(8, rows, columns, rng);  // two a group
  const std::size_t ends[] = {3, 3, 33, 34};
  std::vector<float> x(ends[3] * columns);
  for (float& v : x) v = std::normal_distribution<float>()(rng);
  std::vector<float> out[2] = {std::vector<float>(ends[3] * rows, kNan),
                               std::vector<float>(ends[3] * rows, kNan)};
  std::vector<float> made(x.size(), kNan);
  GroupedRows quantized;
  quantized.quantize(pool, made.data(), ends, columns, [&](std::size_t first, std::size_t n) {
    std::copy_n(&x[first * columns], n * columns, &made[first * columns]);
  });
  std::vector<GroupedLinear> products;
  for (std::size_t g = 0; g < 4; ++g)
    for (std::size_t i = 0; i < 2; ++i)
      products.push_back({&m.packed[2 * g + i], g, out[i].data()});
  grouped_linear(pool, products, quantized);
  for (std::size_t t = 0; t < ends[3]; ++t) {
    const std::size_t g = t < 3 ? 0 : t < 33 ? 2 : 3;
    QuantizedRows alone;
    alone.quantize(pool, &x[t * columns], 1, columns);
    for (std::size_t i = 0; i < 2; ++i) {
      std::vector<float> want(rows);
      const Linear one{.w = &m.packed[2 * g + i], .out = want.data(), .out_stride = rows};
      linear(pool, {&one, 1}, alone);
      EXPECT_EQ(0, std::memcmp(want.data(), &out[i][t * rows], rows * sizeof(float))) << t;
    }
  }
}

}  // namespace
}  // namespace aquilon::kernels
