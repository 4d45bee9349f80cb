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

std::vector<char> read_data(const DTypeInfo& info, const std::string& ending) {
  std::string name(info.name);
  for (char& c : name) c = static_cast<char>(std::tolower(c));
  std::ifstream in(std::string(AQUILON_SOURCE_DIR) + "/tests/data/quant/" + name + ending,
                   std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Vectors read_vectors(const DTypeInfo& info) {
  const std::vector<char> bytes = read_data(info, ".bin");
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

std::uint64_t fnv1a(const std::vector<float>& values) {
  std::uint64_t h = 0xcbf29ce484222325;
  const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
  for (std::size_t i = 0; i < 4 * values.size(); ++i) h = (h ^ bytes[i]) * 0x100000001b3;
  return h;
}

// Enough blocks to see most entries of a type's grid.
class ManyBlocksTest : public ::testing::TestWithParam<DTypeInfo> {};
TEST_P(ManyBlocksTest, EqualTheirHashes) {
  const std::vector<char> bytes = read_data(GetParam(), ".hashes.bin");
  std::uint32_t count = 0;
  ASSERT_GE(bytes.size(), sizeof count) << "tests/data/quant is incomplete";
  std::memcpy(&count, bytes.data(), sizeof count);
  const std::size_t size = GetParam().block_bytes;
  ASSERT_EQ(bytes.size(), 4 + count * (size + 8));
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<float> values(GetParam().block_size);
    const auto* block = reinterpret_cast<const std::byte*>(&bytes[4 + i * size]);
    decode(GetParam().type, block, values.size(), values.data());
    std::uint64_t want;
    std::memcpy(&want, &bytes[4 + count * size + 8 * i], sizeof want);
    ASSERT_EQ(fnv1a(values), want) << "block " << i;
  }
}

std::vector<DTypeInfo> types_with_tables() {
  std::vector<DTypeInfo> types;
  for (const DTypeInfo& info : tensor::kDTypes)
    if (info.type == DType::kQ2_K || info.type == DType::kQ3_K ||
        std::strchr("FBQ", info.name[0]) == nullptr)
      types.push_back(info);
  return types;
}

std::string type_name(const ::testing::TestParamInfo<DTypeInfo>& test) {
  return std::string(test.param.name);
}
INSTANTIATE_TEST_SUITE_P(AllTypes, DecodeTest, ::testing::ValuesIn(tensor::kDTypes), type_name);
INSTANTIATE_TEST_SUITE_P(Coded, ManyBlocksTest, ::testing::ValuesIn(types_with_tables()),
                         type_name);
INSTANTIATE_TEST_SUITE_P(OtherTypes, DecodeTest, ::testing::ValuesIn(tensor::kOtherDTypes),
                         type_name);

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
