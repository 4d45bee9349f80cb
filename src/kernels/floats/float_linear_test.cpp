#include "kernels/floats/float_linear.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "quant/decode.h"
#include "quant/random_blocks.h"
#include "tensor/huge_buffer.h"

namespace aquilon::kernels {
namespace {

using tensor::DType;

struct Case {
  Case(DType of, std::size_t n, std::size_t k, std::size_t t) : type(of), tokens(t) {
    blocks = quant::random_blocks(type, n * k, static_cast<unsigned>(n * k + t));
    const tensor::MatrixView stored{blocks.data(), type, n, k};
    w = {nullptr, *quant::float_packing_of(stored), n, k};
    buffer = tensor::HugeBuffer::create(w.groups() * quant::float_group_bytes(k)).value();
    w.data = buffer.data();
    quant::pack_float_groups(stored, 0, w.groups(), buffer.data());
    std::mt19937 rng(static_cast<unsigned>(n + k + t));
    std::normal_distribution<float> normal;
    for (std::size_t i = 0; i < t * k; ++i) x.push_back(normal(rng));
    for (std::size_t i = 0; i < n; ++i) bias.push_back(normal(rng));
  }

  // Of tokens [first, first + count), added to a row of 0.5 each.
  std::vector<float> run(int threads, std::size_t first, std::size_t count) const {
    ThreadPool pool(threads);
    FloatRows rows;
    rows.arrange(pool, x.data() + first * w.columns, count, w.columns);
    std::vector<float> out(count * w.rows, 0.5f);
    const FloatLinear product{&w, out.data(), bias.data(), true};
    float_linear(pool, {&product, 1}, rows);
    return out;
  }

  DType type;
  std::size_t tokens;
  std::vector<std::byte> blocks;
  quant::PackedFloats w;
  tensor::HugeBuffer buffer;
  std::vector<float> x, bias;
};

// The products of one tile.
std::vector<float> run_tile(const FloatKernel& kernel, const Case& c, bool with_bias) {
  std::vector<float> x(c.x.size()), out(c.tokens * c.w.rows, 0.25f);
  for (std::size_t t = 0; t < c.tokens; ++t)
    for (std::size_t k = 0; k < c.w.columns; ++k) x[k * c.tokens + t] = c.x[t * c.w.columns + k];
  const FloatJob job{.w = reinterpret_cast<const unsigned char*>(c.w.data),
                     .packing = c.w.packing,
                     .rows = c.w.rows,
                     .columns = c.w.columns,
                     .x = x.data(),
                     .tiles = 1,
                     .tile_tokens = c.tokens,
                     .wider = 0,
                     .bias = with_bias ? c.bias.data() : nullptr,
                     .add = with_bias,
                     .out = out.data(),
                     .out_stride = c.w.rows};
  kernel.groups(job, 0, c.w.groups());
  return out;
}

TEST(FloatLinear, EveryInstructionSetHasTheReferencesBits) {
  const auto impls = float_linear_impls();
  const FloatKernel& reference = *impls.back().fn;
  for (const auto& impl : impls) {
    if (impl.isa > chosen_isa()) continue;
    for (const DType type : {DType::kBF16, DType::kF16})
      for (const std::size_t rows : {1u, 15u, 16u, 33u, 48u})
        for (const std::size_t columns : {32u, 96u, 576u})
          for (std::size_t tokens = 1; tokens <= impl.fn->max_tile; ++tokens) {
            const Case c(type, rows, columns, tokens);
            for (const bool with_bias : {false, true}) {
              const auto got = run_tile(*impl.fn, c, with_bias);
              const auto want = run_tile(reference, c, with_bias);
              ASSERT_EQ(0, std::memcmp(got.data(), want.data(), got.size() * sizeof(float)))
                  << isa_name(impl.isa) << " " << tensor::dtype_info(type).name << " " << rows
                  << "x" << columns << ", tokens " << tokens;
            }
          }
  }
}

TEST(FloatLinear, IsTheProductOfTheStoredNumbers) {
  for (const DType type : {DType::kBF16, DType::kF16}) {
    const Case c(type, 37, 1152, 29);
    const std::vector<float> got = c.run(2, 0, c.tokens);
    std::vector<float> w(c.w.rows * c.w.columns);
    quant::decode(type, c.blocks.data(), w.size(), w.data());
    for (std::size_t t = 0; t < c.tokens; ++t)
      for (std::size_t r = 0; r < c.w.rows; ++r) {
        double want = 0.5 + c.bias[r], size = 0;
        for (std::size_t k = 0; k < c.w.columns; ++k) {
          const double product =
              static_cast<double>(w[r * c.w.columns + k]) * c.x[t * c.w.columns + k];
          want += product;
          size += std::abs(product);
        }
        // A thousand roundings of 6e-8 of a growing sum.
        ASSERT_NEAR(got[t * c.w.rows + r], want, 1e-5 * size + 1e-6) << t << ", " << r;
      }
  }
}

TEST(FloatLinear, TokensAndThreadsDoNotMatter) {
  for (const DType type : {DType::kBF16, DType::kF16}) {
    const Case c(type, 83, 352, 67);
    const std::vector<float> all = c.run(1, 0, c.tokens);
    EXPECT_EQ(0, std::memcmp(all.data(), c.run(3, 0, c.tokens).data(), all.size() * sizeof(float)));
    for (std::size_t first = 0, n = 1; first < c.tokens; first += n, n = n % 15 + 1) {
      n = std::min(n, c.tokens - first);
      const std::vector<float> some = c.run(2, first, n);
      ASSERT_EQ(0, std::memcmp(some.data(), &all[first * c.w.rows], some.size() * sizeof(float)))
          << first << ", " << n;
    }
  }
}

TEST(FloatLinear, OtherTypesAndOddColumnsHaveNoPacking) {
  const std::byte none{};
  EXPECT_FALSE(quant::float_packing_of({&none, DType::kF32, 4, 64}));
  EXPECT_FALSE(quant::float_packing_of({&none, DType::kBF16, 4, 48}));
  EXPECT_TRUE(quant::float_packing_of({&none, DType::kBF16, 4, 64}));
}

}  // namespace
}  // namespace aquilon::kernels
