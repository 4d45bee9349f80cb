#include "quant/decode.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "quant/blocks_decode.h"

namespace aquilon::quant {
namespace {

using tensor::DType;
using tensor::DTypeInfo;

std::uint32_t bits(float f) {
  return std::bit_cast<std::uint32_t>(f);
}

// Blocks and what the PyPI package gguf decodes them to; written by tools/make_quant_vectors.py.
struct Vectors {
  std::vector<std::byte> blocks;
  std::vector<float> values;
};

Vectors read_vectors(const DTypeInfo& info) {
  std::string name(info.name);
  for (char& c : name) c = static_cast<char>(std::tolower(c));
  std::ifstream in(std::string(AQUILON_SOURCE_DIR) + "/tests/data/quant/" + name + ".bin",
                   std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
  std::uint32_t count = 0;
  Vectors v;
  if (bytes.size() < sizeof count) return v;
  std::memcpy(&count, bytes.data(), sizeof count);
  v.blocks.resize(tensor::row_bytes(info.type, count));
  v.values.resize(count);
  if (bytes.size() != sizeof count + v.blocks.size() + count * sizeof(float)) return {};
  std::memcpy(v.blocks.data(), bytes.data() + sizeof count, v.blocks.size());
  std::memcpy(v.values.data(), bytes.data() + sizeof count + v.blocks.size(),
              count * sizeof(float));
  return v;
}

// Bit for bit, but for which NaN an invalid operation yields: processors differ there.
void expect_same(const std::vector<float>& got, const std::vector<float>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(want[i]))
      ASSERT_TRUE(std::isnan(got[i])) << "value " << i << " is " << got[i];
    else
      ASSERT_EQ(bits(got[i]), bits(want[i])) << "value " << i << ": " << got[i] << ", " << want[i];
  }
}

class DecodeTest : public ::testing::TestWithParam<DTypeInfo> {};

TEST_P(DecodeTest, EqualsTheVectorsBitForBit) {
  const Vectors v = read_vectors(GetParam());
  ASSERT_GE(v.values.size(), 256u) << "tests/data/quant is incomplete";
  std::vector<float> out(v.values.size());
  decode(GetParam().type, v.blocks.data(), out.size(), out.data());
  expect_same(out, v.values);
}

TEST_P(DecodeTest, AnyAlignmentAndNothingBeyondTheRow) {
  const Vectors v = read_vectors(GetParam());
  std::vector<std::byte> shifted(v.blocks.size() + 1);
  std::memcpy(shifted.data() + 1, v.blocks.data(), v.blocks.size());
  for (std::size_t n = 0; n <= v.values.size() && n <= 1024; n += GetParam().block_size) {
    std::vector<float> out(n + 1, 7.0f);
    decode(GetParam().type, shifted.data() + 1, n, out.data());
    ASSERT_EQ(out[n], 7.0f);
    out.pop_back();
    expect_same(out, {v.values.begin(), v.values.begin() + static_cast<std::ptrdiff_t>(n)});
  }
}

INSTANTIATE_TEST_SUITE_P(AllTypes, DecodeTest, ::testing::ValuesIn(tensor::kDTypes),
                         [](const auto& test) { return std::string(test.param.name); });

// The definition of a half, by powers of two.
float half_by_definition(std::uint16_t h) {
  const int exponent = h >> 10 & 31, fraction = h & 1023;
  const float sign = h >> 15 ? -1.0f : 1.0f;
  if (exponent == 31) return sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
}

TEST(HalfToFloat, EveryHalf) {
  for (std::uint32_t h = 0; h < 0x10000; ++h) {
    const auto half = static_cast<std::uint16_t>(h);
    const bool nan = (h & 0x7fff) > 0x7c00;
    // A NaN keeps sign and payload and is quiet.
    const std::uint32_t want =
        nan ? (h & 0x8000) << 16 | 0x7fc00000 | (h & 0x3ff) << 13 : bits(half_by_definition(half));
    ASSERT_EQ(bits(f16_to_f32(half)), want) << h;
    ASSERT_EQ(bits(blocks::half_to_float_by_bits(half)), want) << h;
  }
}

TEST(BfloatToFloat, IsTheUpperHalfOfAFloat) {
  for (std::uint32_t b = 0; b < 0x10000; ++b)
    ASSERT_EQ(bits(bf16_to_f32(static_cast<std::uint16_t>(b))), b << 16);
}

TEST(DecodeDeathTest, RefusesHalfABlock) {
  const std::byte block[18] = {};
  float out[32];
  EXPECT_DEATH(decode(DType::kQ4_0, block, 31, out), "broken invariant");
}

}  // namespace
}  // namespace aquilon::quant
