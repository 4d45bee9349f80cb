#include "kernels/matmul/matmul.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "quant/decode.h"

namespace aquilon::kernels {
namespace {

using tensor::DType;
using tensor::DTypeInfo;

// Blocks of random bytes; the bytes that may hold half-precision scales are kept finite and small.
std::vector<std::byte> random_blocks(const DTypeInfo& info, std::size_t rows, std::size_t columns,
                                     std::mt19937& rng) {
  std::vector<std::byte> bytes(rows * tensor::row_bytes(info.type, columns));
  std::normal_distribution<float> normal;
  if (info.type == DType::kF32) {
    for (std::size_t i = 0; i < rows * columns; ++i) {
      const float v = normal(rng);
      std::memcpy(bytes.data() + 4 * i, &v, 4);
    }
    return bytes;
  }
  for (std::byte& b : bytes) b = static_cast<std::byte>(rng() & 0xff);
  // Any two bytes read as a half or bfloat: clear the top exponent bits.
  for (std::size_t i = 1; i < bytes.size(); i += 2) bytes[i] &= std::byte{0xbf};
  for (std::size_t i = 0; i < bytes.size(); i += 2) bytes[i] &= std::byte{0xbf};
  return bytes;
}

struct Case {
  Impl<MatmulRows> impl;
  DTypeInfo type;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Impl<MatmulRows>& impl : matmul_impls())
    for (const DTypeInfo& type : tensor::kDTypes) all.push_back({impl, type});
  return all;
}

class MatmulTest : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const Isa isa = GetParam().impl.isa;
    if (isa > chosen_isa()) GTEST_SKIP() << "this machine lacks " << isa_name(isa);
  }

  std::vector<float> run(MatmulRows* fn, const std::vector<std::byte>& w, std::size_t rows,
                         std::size_t columns, const std::vector<float>& x, std::size_t tokens) {
    const DTypeInfo& type = GetParam().type;
    std::vector<float> out(tokens * rows, NAN);
    const MatmulJob job{reinterpret_cast<const unsigned char*>(w.data()),
                        static_cast<std::uint32_t>(type.type),
                        type.block_size,
                        type.block_bytes,
                        columns,
                        x.data(),
                        tokens,
                        out.data(),
                        rows};
    fn(job, 0, rows);
    return out;
  }

  // What rounding scales with, whatever the products cancel to.
  double sum_of_squared_products(const std::vector<std::byte>& w, std::size_t rows,
                                 std::size_t columns, const std::vector<float>& x,
                                 std::size_t tokens) {
    std::vector<float> values(rows * columns);
    quant::decode(GetParam().type.type, w.data(), values.size(), values.data());
    double sum = 0;
    for (std::size_t t = 0; t < tokens; ++t)
      for (std::size_t i = 0; i < values.size(); ++i)
        sum += std::pow(static_cast<double>(values[i]) * x[t * columns + i % columns], 2);
    return sum;
  }

  std::mt19937 rng_{7};
};

// Tolerance: f32 sums of K products against double: some sqrt(K/8) roundings of 6e-8 each.
TEST_P(MatmulTest, EqualsReference) {
  const std::size_t block = GetParam().type.block_size;
  for (const std::size_t blocks : {1u, 2u, 3u, 7u, 19u})
    for (const std::size_t rows : {1u, 7u, 8u, 9u, 17u})
      for (const std::size_t tokens : {1u, 2u, 3u, 65u}) {
        const std::size_t columns = blocks * block;
        const auto w = random_blocks(GetParam().type, rows, columns, rng_);
        std::vector<float> x(tokens * columns);
        std::normal_distribution<float> normal;
        for (float& v : x) v = normal(rng_);
        const auto want = run(matmul_rows_ref, w, rows, columns, x, tokens);
        const auto got = run(GetParam().impl.fn, w, rows, columns, x, tokens);
        double diff = 0;
        for (std::size_t i = 0; i < want.size(); ++i)
          diff += std::pow(static_cast<double>(got[i]) - want[i], 2);
        const double scale = sum_of_squared_products(w, rows, columns, x, tokens);
        ASSERT_LE(diff, 1e-11 * scale) << rows << "x" << columns << " tokens " << tokens;
      }
}

TEST_P(MatmulTest, TokensDoNotSeeEachOther) {
  const std::size_t rows = 11;
  const std::size_t columns = 3 * std::max<std::size_t>(GetParam().type.block_size, 7);
  const std::size_t tokens = 67;
  const auto w = random_blocks(GetParam().type, rows, columns, rng_);
  std::vector<float> x(tokens * columns);
  for (float& v : x) v = std::normal_distribution<float>()(rng_);
  const auto all = run(GetParam().impl.fn, w, rows, columns, x, tokens);
  for (std::size_t t = 0; t < tokens; ++t) {
    const std::vector<float> xt(x.begin() + t * columns, x.begin() + (t + 1) * columns);
    const auto one = run(GetParam().impl.fn, w, rows, columns, xt, 1);
    ASSERT_EQ(0, std::memcmp(one.data(), all.data() + t * rows, rows * sizeof(float))) << t;
  }
}

TEST_P(MatmulTest, VectorsOfAnyWidthGiveTheSameBits) {
  const auto impls = matmul_impls();
  const auto other = std::find_if(impls.begin(), impls.end(),
                                  [](const auto& impl) { return impl.isa == Isa::kAvx2; });
  if (GetParam().impl.isa <= Isa::kAvx2) GTEST_SKIP() << "the wider are held to this one";
  const std::size_t rows = 21;
  const std::size_t columns = 3 * std::max<std::size_t>(GetParam().type.block_size, 203);
  const std::size_t whole = columns / GetParam().type.block_size * GetParam().type.block_size;
  const auto w = random_blocks(GetParam().type, rows, whole, rng_);
  std::vector<float> x(71 * whole);
  for (float& v : x) v = std::normal_distribution<float>()(rng_);
  for (const std::size_t tokens : {1, 2, 5, 6, 13, 64, 71}) {
    const auto got = run(GetParam().impl.fn, w, rows, whole, x, tokens);
    const auto want = run(other->fn, w, rows, whole, x, tokens);
    EXPECT_EQ(0, std::memcmp(got.data(), want.data(), got.size() * sizeof(float))) << tokens;
  }
}

INSTANTIATE_TEST_SUITE_P(All, MatmulTest, testing::ValuesIn(cases()), [](const auto& info) {
  return std::string(isa_name(info.param.impl.isa)) + "_" + std::string(info.param.type.name);
});

TEST(Matmul, SameBitsOnAnyNumberOfThreads) {
  const std::size_t rows = 203, columns = 96, tokens = 5;
  std::mt19937 rng(3);
  const auto w = random_blocks(tensor::dtype_info(DType::kQ8_0), rows, columns, rng);
  std::vector<float> x(tokens * columns, 0.25f), first(tokens * rows);
  const tensor::MatrixView view{w.data(), DType::kQ8_0, rows, columns};
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    std::vector<float> out(tokens * rows, NAN);
    matmul(pool, view, x.data(), tokens, out.data());
    if (threads == 1) first = out;
    EXPECT_EQ(0, std::memcmp(out.data(), first.data(), out.size() * sizeof(float))) << threads;
  }
  std::vector<float> parts(tokens * rows, NAN);
  for (std::size_t begin = 0; begin < rows; begin += 29)
    matmul_part(view, begin, std::min(rows, begin + 29), x.data(), tokens, parts.data());
  EXPECT_EQ(0, std::memcmp(parts.data(), first.data(), parts.size() * sizeof(float)));
}

}  // namespace
}  // namespace aquilon::kernels
