#include "kernels/encode/encode.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "quant/decode.h"

namespace aquilon::kernels {
namespace {

using tensor::DType;

constexpr DType kBlockTypes[] = {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1,
                                 DType::kQ8_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K};

struct Encoded {
  bool held;
  std::vector<std::byte> blocks;
  std::vector<float> values;  // as they will be read
};

Encoded encode_by(EncodeBlocks* fn, DType type, const std::vector<float>& x,
                  const float* importance = nullptr) {
  Encoded e{true, std::vector<std::byte>(tensor::row_bytes(type, x.size()) + 1, std::byte{0x5a}),
            std::vector<float>(x.size())};
  e.held = fn(static_cast<std::uint32_t>(type), x.data(), importance, x.size(),
              reinterpret_cast<unsigned char*>(e.blocks.data()));
  EXPECT_EQ(e.blocks.back(), std::byte{0x5a}) << "written beyond the blocks";
  e.blocks.pop_back();
  if (e.held) quant::decode(type, e.blocks.data(), x.size(), e.values.data());
  return e;
}

// Root of the squared error over the values', weighted.
double relative_error(const std::vector<float>& x, const std::vector<float>& got,
                      const float* importance = nullptr) {
  double error = 0, values = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double w = importance == nullptr ? 1 : importance[i];
    error += w * std::pow(static_cast<double>(got[i]) - x[i], 2);
    values += w * std::pow(static_cast<double>(x[i]), 2);
  }
  return std::sqrt(error / values);
}

std::vector<float> gaussian(std::size_t n) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, 0.02f);
  std::vector<float> x(n);
  for (float& v : x) v = normal(random);
  return x;
}

std::vector<float> heavy_tailed(std::size_t n) {
  std::mt19937 random(8);
  std::student_t_distribution<float> t(4);
  std::vector<float> x(n);
  for (float& v : x) v = 0.02f * t(random);
  return x;
}

class EncodeTest : public ::testing::TestWithParam<Impl<EncodeBlocks>> {
 protected:
  void SetUp() override {
    if (GetParam().isa > chosen_isa()) GTEST_SKIP() << "this machine has no such instructions";
  }
  Encoded encode(DType type, const std::vector<float>& x, const float* importance = nullptr) {
    return encode_by(GetParam().fn, type, x, importance);
  }
};

// Bounds are 2 % above what the encoders leave today; scales that just cover a block's range leave
// 4 to 15 % more than them.
TEST_P(EncodeTest, LeavesLittleError) {
  struct {
    DType type;
    double gaussian, heavy_tailed;
  } const bounds[] = {
      {DType::kQ4_0, 0.0827, 0.1130}, {DType::kQ4_1, 0.0704, 0.0850},
      {DType::kQ5_0, 0.0409, 0.0570}, {DType::kQ5_1, 0.0338, 0.0410},
      {DType::kQ8_0, 0.0049, 0.0068}, {DType::kQ4_K, 0.0712, 0.0865},
      {DType::kQ5_K, 0.0353, 0.0430}, {DType::kQ6_K, 0.0169, 0.0220},
  };
  const std::vector<float> normal = gaussian(1 << 15), tails = heavy_tailed(1 << 15);
  for (const auto& bound : bounds) {
    const std::string_view name = tensor::dtype_info(bound.type).name;
    EXPECT_LT(relative_error(normal, encode(bound.type, normal).values), bound.gaussian) << name;
    EXPECT_LT(relative_error(tails, encode(bound.type, tails).values), bound.heavy_tailed) << name;
  }
}

TEST_P(EncodeTest, SparesWhatIsImportant) {
  const std::vector<float> x = gaussian(1 << 14);
  std::vector<float> importance(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) importance[i] = i % 7 == 0 ? 5.5f : 0.25f;
  for (const DType type : kBlockTypes) {
    const double plain = relative_error(x, encode(type, x).values, importance.data());
    const auto heeded = encode(type, x, importance.data());
    EXPECT_LT(relative_error(x, heeded.values, importance.data()), 0.95 * plain)
        << tensor::dtype_info(type).name;
  }
}

TEST_P(EncodeTest, GivesTheReferencesBits) {
  std::vector<float> importance(256 * 5);
  for (std::size_t i = 0; i < importance.size(); ++i)
    importance[i] = 0.01f * static_cast<float>(i % 300);
  EncodeBlocks* const reference = encode_impls().back().fn;
  for (const DType type : {DType::kF16, DType::kBF16, DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,
                           DType::kQ5_1, DType::kQ8_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K})
    for (const std::size_t blocks : {1, 2, 3, 5}) {
      const std::vector<float> x = heavy_tailed(blocks * tensor::dtype_info(type).block_size);
      for (const float* w : std::vector<const float*>{nullptr, importance.data()})
        EXPECT_EQ(encode(type, x, w).blocks, encode_by(reference, type, x, w).blocks)
            << tensor::dtype_info(type).name << ' ' << blocks;
    }
}

// What a type can hold exactly comes back: the blocks' scales are halves, and their values reach
// the ends of the range.
TEST_P(EncodeTest, ReturnsWhatIsRepresentable) {
  std::mt19937 random(9);
  for (const DType type : kBlockTypes) {
    std::vector<float> x(512);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const bool end = i % 16 == 3, other_end = i % 16 == 5;
      const auto q = [&](int low, int high) {
        const int inside = low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
        return static_cast<float>(end ? low : other_end ? high : inside);
      };
      const float d = 0x1.8p-9f * static_cast<float>(1 + i / 256);
      switch (type) {
        case DType::kQ4_0:
          x[i] = d * q(-8, 7);
          break;
        case DType::kQ4_1:
          x[i] = d * q(0, 15) - 0.5f * d;
          break;
        case DType::kQ5_0:
          x[i] = d * q(-16, 15);
          break;
        case DType::kQ5_1:
          x[i] = d * q(0, 31) + 0.5f * d;
          break;
        case DType::kQ8_0:
          x[i] = d * q(-127, 127);
          break;
        case DType::kQ4_K:
          x[i] = 63 * d * q(0, 15) - 63 * 8 * d;
          break;
        case DType::kQ5_K:
          x[i] = 63 * d * q(0, 31) - 63 * 8 * d;
          break;
        default:  // Q6_K
          x[i] = 128 * d * q(-32, 31);
      }
    }
    EXPECT_EQ(encode(type, x).values, x) << tensor::dtype_info(type).name;
  }
}

// Errors of single values that any sensible scale keeps to.
TEST_P(EncodeTest, OddBlocksStayNear) {
  const auto expect_near = [&](DType type, const std::vector<float>& x, double bound) {
    const Encoded e = encode(type, x);
    ASSERT_TRUE(e.held) << tensor::dtype_info(type).name;
    for (std::size_t i = 0; i < x.size(); ++i)
      ASSERT_NEAR(e.values[i], x[i], bound) << tensor::dtype_info(type).name << ' ' << i;
  };
  for (const DType type : kBlockTypes) {
    expect_near(type, std::vector<float>(256, 0.0f), 0);
    expect_near(type, std::vector<float>(256, -0.0f), 0);
    expect_near(type, std::vector<float>(256, 0.7f), 0.7 / 400);
    expect_near(type, std::vector<float>(256, -3.0f), 3.0 / 400);
    expect_near(type, std::vector<float>(256, 1e-42f), 2e-42);  // below all halves: zeros
    expect_near(type, std::vector<float>(256, 0x1p-24f), 0x1p-25);
    std::vector<float> lone(256, 0.0f);
    lone[77] = -2.0f;
    expect_near(type, lone, 2.0 / 400);
    std::vector<float> outlier = gaussian(256);
    outlier[100] = 30.0f;
    expect_near(type, outlier, 30.0 / 14);
    std::vector<float> large(256);
    for (std::size_t i = 0; i < 256; ++i) large[i] = 60000.0f * std::sin(static_cast<float>(i));
    expect_near(type, large, 60000.0 / 14);
  }
}

TEST_P(EncodeTest, SaysWhatATypeCannotHold) {
  std::vector<float> x(256, 0.5f);
  for (const float huge : {2e9f, -3e38f}) {
    x[200] = huge;
    for (const DType type : kBlockTypes)
      EXPECT_FALSE(encode(type, x).held) << tensor::dtype_info(type).name;
    EXPECT_FALSE(encode(DType::kF16, x).held);
    EXPECT_TRUE(encode(DType::kBF16, x).held);
  }
  x[200] = 65519.0f;  // rounds to the largest half
  EXPECT_EQ(encode(DType::kF16, x).values[200], 65504.0f);
  x[200] = 65520.0f;
  EXPECT_FALSE(encode(DType::kF16, x).held);
  x[200] = 3.3999e38f;
  EXPECT_FALSE(encode(DType::kBF16, x).held);
}

// Every half and bfloat16 survives; between two of them the nearer is taken, of two equally near
// ones the even.
TEST_P(EncodeTest, RoundsHalvesToTheNearest) {
  std::vector<float> halves, bfloats;
  for (std::uint32_t bits = 0; bits < 1u << 16; ++bits) {
    const auto low = static_cast<std::uint16_t>(bits);
    if (std::isfinite(quant::f16_to_f32(low))) halves.push_back(quant::f16_to_f32(low));
    if (std::isfinite(quant::bf16_to_f32(low))) bfloats.push_back(quant::bf16_to_f32(low));
  }
  EXPECT_EQ(encode(DType::kF16, halves).values, halves);
  EXPECT_EQ(encode(DType::kBF16, bfloats).values, bfloats);
  for (const auto& [type, all] : {std::pair(DType::kF16, halves), {DType::kBF16, bfloats}}) {
    std::vector<float> between, want;
    for (std::size_t i = 1; i < all.size() / 2; ++i) {  // ascending from 0
      const float middle = all[i - 1] / 2 + all[i] / 2;
      between.insert(between.end(),
                     {std::nextafter(middle, 0.0f), middle, std::nextafter(middle, all[i])});
      want.insert(want.end(), {all[i - 1], i % 2 == 0 ? all[i] : all[i - 1], all[i]});
    }
    EXPECT_EQ(encode(type, between).values, want) << tensor::dtype_info(type).name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, EncodeTest, testing::ValuesIn(encode_impls()),
                         [](const auto& info) { return std::string(isa_name(info.param.isa)); });

}  // namespace
}  // namespace aquilon::kernels
