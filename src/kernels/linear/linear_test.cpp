#include "kernels/linear/linear.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "kernels/linear/linear_emulated_for_test.h"
#include "quant/decode.h"
#include "quant/random_blocks.h"
#include "tensor/huge_buffer.h"

namespace aquilon::kernels {
namespace {

using tensor::DType;
using tensor::DTypeInfo;

struct Tested {
  std::string name;
  const LinearKernel* kernel;
};

// What this machine can run: implementations, and those in portable code.
std::vector<Tested> tested() {
  std::vector<Tested> all;
  for (const Impl<const LinearKernel>& impl : linear_impls())
    if (impl.isa <= chosen_isa()) all.push_back({std::string(isa_name(impl.isa)), impl.fn});
  if (emulated_avx512() != nullptr) all.push_back({"avx512 emulated", emulated_avx512()});
  return all;
}

TEST(LinearEmulated, IsTested) {
  if (emulated_avx512() == nullptr)
    GTEST_SKIP()
        << "SIMDe is missing (libsimde-dev): AVX-512 is tested only where a machine has it";
}

// A matrix of random blocks and its packed form.
struct Weights {
  Weights(DType type, std::size_t n_rows, std::size_t n_columns, std::mt19937& rng)
      : stored(quant::random_blocks(type, n_rows * n_columns, rng())) {
    view = {stored.data(), type, n_rows, n_columns};
    auto buffer = tensor::HugeBuffer::create(quant::packed_bytes(view));
    EXPECT_TRUE(buffer.ok());
    memory = std::move(*buffer);
    packed = {memory.data(), *quant::packing_of(type), n_rows, n_columns};
    quant::pack_groups(view, 0, packed.groups(), memory.data());
  }

  std::vector<std::byte> stored;
  tensor::MatrixView view;
  tensor::HugeBuffer memory;
  quant::PackedMatrix packed;
};

std::vector<float> random_floats(std::size_t n, std::mt19937& rng) {
  std::vector<float> x(n);
  std::normal_distribution<float> normal;
  for (float& v : x) v = normal(rng);
  return x;
}

class LinearTest : public testing::TestWithParam<DType> {
 protected:
  // Runs one implementation in tiles of `tile` tokens, on its own quantisation.
  std::vector<float> run(const LinearKernel& kernel, const Weights& w, const std::vector<float>& x,
                         std::size_t tile, const float* bias = nullptr, float before = NAN) {
    const std::size_t rows = w.packed.rows, columns = w.packed.columns;
    const std::size_t tokens = x.size() / columns;
    std::vector<float> out(tokens * rows, before);
    std::vector<unsigned char> q(tokens * activation_bytes(columns));
    const std::size_t tiles = (tokens + tile - 1) / tile;
    std::size_t first = 0;
    for (std::size_t i = 0; i < tiles; ++i) {
      const std::size_t n = tokens / tiles + (i < tokens % tiles ? 1 : 0);
      kernel.quantize(&x[first * columns], n, columns, &q[first * activation_bytes(columns)]);
      first += n;
    }
    const LinearJob job{
        .w = reinterpret_cast<const unsigned char*>(w.packed.data),
        .packing = w.packed.packing,
        .rows = rows,
        .columns = columns,
        .x = q.data(),
        .tiles = tiles,
        .tile_tokens = tokens / tiles,
        .wider = tokens % tiles,
        .bias = bias,
        .add = !std::isnan(before),
        .out = out.data(),
        .out_stride = rows,
        .panel = panel_.data() + (64 - reinterpret_cast<std::uintptr_t>(panel_.data()) % 64)};
    kernel.groups(job, 0, w.packed.groups());
    return out;
  }

  const LinearKernel& reference() { return *linear_impls().back().fn; }

  std::mt19937 rng_{11};
  std::vector<unsigned char> panel_ = std::vector<unsigned char>(2 * 16 * 896 + 64);
};

// Columns in blocks of the type: whole chunks, and for shorter blocks chunks that are not full.
std::vector<std::size_t> widths(DType type) {
  const std::size_t block = tensor::dtype_info(type).block_size;
  if (block == 256) return {256, 768};
  if (block == 64) return {64, 192, 256, 320, 832};
  return {32, 96, 256, 288, 576, 896};
}

// The packed form means what the blocks mean: the products of single columns are the weights. A
// weight's share of a minimum is rounded, so that the error is one of the largest in its row.
TEST_P(LinearTest, PackingKeepsEveryWeight) {
  for (const std::size_t columns : widths(GetParam())) {
    const Weights w(GetParam(), 19, columns, rng_);
    std::vector<float> x(columns * columns, 0.0f);
    for (std::size_t k = 0; k < columns; ++k) x[k * columns + k] = 127.0f;  // d = 1, q = 127
    const std::vector<float> got = run(reference(), w, x, 8);
    std::vector<float> want(19 * columns);
    quant::decode(GetParam(), w.stored.data(), want.size(), want.data());
    float largest = 0;
    for (const float v : want) largest = std::max(largest, std::fabs(v));
    for (std::size_t k = 0; k < columns; ++k)
      for (std::size_t r = 0; r < 19; ++r)
        ASSERT_NEAR(got[k * 19 + r] / 127.0f, want[r * columns + k], 1e-6f * largest)
            << "row " << r << " column " << k << " of " << columns;
  }
}

// Quantised activations cost about 1/254 of a block's largest value for each product.
TEST_P(LinearTest, IsCloseToExactProducts) {
  const std::size_t rows = 33, columns = 768, tokens = 3;
  const Weights w(GetParam(), rows, columns, rng_);
  const std::vector<float> x = random_floats(tokens * columns, rng_);
  const std::vector<float> got = run(reference(), w, x, 8);
  std::vector<float> values(rows * columns);
  quant::decode(GetParam(), w.stored.data(), values.size(), values.data());
  double error = 0, scale = 0;
  for (std::size_t t = 0; t < tokens; ++t)
    for (std::size_t r = 0; r < rows; ++r) {
      double exact = 0;
      for (std::size_t k = 0; k < columns; ++k) {
        const double product = static_cast<double>(values[r * columns + k]) * x[t * columns + k];
        exact += product;
        scale += product * product;
      }
      error += std::pow(got[t * rows + r] - exact, 2);
    }
  EXPECT_LT(std::sqrt(error / scale), 0.01);
}

TEST_P(LinearTest, EveryImplementationAndTileGivesTheSameBits) {
  for (const std::size_t columns : widths(GetParam()))
    for (const std::size_t rows : {1u, 15u, 16u, 40u}) {
      const Weights w(GetParam(), rows, columns, rng_);
      for (const std::size_t tokens :
           {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 9u, 12u, 13u, 20u, 25u, 31u, 49u, 58u, 131u}) {
        const std::vector<float> x = random_floats(tokens * columns, rng_);
        const std::vector<float> want = run(reference(), w, x, 1);
        for (const auto& [name, kernel] : tested()) {
          const std::vector<float> got = run(*kernel, w, x, kernel->max_tile);
          ASSERT_EQ(0, std::memcmp(got.data(), want.data(), 4 * want.size()))
              << name << ' ' << rows << 'x' << columns << ", " << tokens << " tokens";
        }
      }
    }
}

TEST_P(LinearTest, AddsBiasAndToWhatIsThere) {
  const Weights w(GetParam(), 21, 256, rng_);
  const std::vector<float> x = random_floats(2 * 256, rng_);
  const std::vector<float> bias = random_floats(21, rng_);
  const std::vector<float> plain = run(reference(), w, x, 2);
  for (const auto& [name, kernel] : tested()) {
    const std::vector<float> got = run(*kernel, w, x, 2, bias.data(), 0.5f);
    for (std::size_t i = 0; i < got.size(); ++i)
      ASSERT_EQ(got[i], 0.5f + (plain[i] + bias[i % 21])) << name;
  }
}

// Largest codes and scales against largest activations of one sign: no intermediate sum may
// saturate or round. The packed bytes are set as such, so that every extreme of a header is met.
TEST_P(LinearTest, ExtremesDoNotOverflow) {
  Weights w(GetParam(), 16, 768, rng_);
  const quant::PackingInfo& info = quant::packing_info(w.packed.packing);
  const std::size_t chunk = quant::chunk_bytes(w.packed.packing, 8);
  const std::size_t header = quant::header_bytes(info.header, 8);
  for (const int scale : {0x3f, 0x80, 0xbf, 0x7f})
    for (const int codes : {0x00, 0xff, 0x77, 0x88, 0x24, 0x55}) {
      for (std::size_t at = 0; at < 3 * chunk; ++at) {
        const std::size_t in = at % chunk;
        const bool whole = in >= header || (info.header != quant::Header::kScale &&
                                            info.header != quant::Header::kScaleMin && in >= 64);
        const int byte = in >= header ? codes : whole ? scale : 0x38;  // f16 or f32: about 0.5
        w.memory.data()[at] = static_cast<std::byte>(byte);
      }
      for (const float sign : {1.0f, -1.0f}) {
        const std::vector<float> x(132 * 768, sign);
        const std::vector<float> want = run(reference(), w, x, 1);
        for (const float v : want) ASSERT_TRUE(std::isfinite(v));
        for (const auto& [name, kernel] : tested()) {
          const std::vector<float> got = run(*kernel, w, x, kernel->max_tile);
          ASSERT_EQ(0, std::memcmp(got.data(), want.data(), 4 * want.size()))
              << name << " scales " << scale << " codes " << codes;
        }
      }
    }
}

std::vector<DType> packed_types() {
  std::vector<DType> types;
  for (const DTypeInfo& info : tensor::kDTypes)
    if (quant::packing_of(info.type)) types.push_back(info.type);
  return types;
}
INSTANTIATE_TEST_SUITE_P(Types, LinearTest, testing::ValuesIn(packed_types()),
                         [](const auto& info) {
                           return std::string(tensor::dtype_info(info.param).name);
                         });

// What a chunk of 256 columns costs, in bits a weight.
TEST(PackedLayout, CostsNoMoreThanItsTable) {
  const std::pair<quant::Packing, double> want[] = {
      {quant::Packing::kQ4_0, 4.5},     {quant::Packing::kQ6_K, 6.625},
      {quant::Packing::kQ2_K, 2.625},   {quant::Packing::kQ3_K, 3.625},
      {quant::Packing::kTQ2_0, 2.5},    {quant::Packing::kIQ4_NL, 4.5},
      {quant::Packing::kIQ4_XS, 4.375}, {quant::Packing::kIQ3_S, 4.375},
      {quant::Packing::kIQ2_S, 3.625},  {quant::Packing::kIQ2_XXS, 3.375},
      {quant::Packing::kIQ1_M, 3.625},  {quant::Packing::kIQ1_S, 3.375},
      {quant::Packing::kMXFP4, 4.25},   {quant::Packing::kNVFP4, 4.5}};
  for (const auto& [packing, bits] : want)
    EXPECT_EQ(quant::group_bytes(packing, 1024) * 8.0 / (16 * 1024), bits)
        << quant::packing_info(packing).name;
}

TEST(QuantizeTile, EveryImplementationGivesTheSameBytes) {
  std::mt19937 rng(5);
  std::vector<float> x = random_floats(6 * 96, rng);
  x[3] = NAN;
  x[40] = INFINITY;
  for (std::size_t i = 64; i < 96; ++i) x[i] = 0;
  for (std::size_t i = 96; i < 128; ++i) x[i] = 1e-44f * static_cast<float>(i);
  for (std::size_t i = 128; i < 160; ++i) x[i] = 127.0f * (i % 2 ? 0.5f : -1.5f) / 127.0f;
  for (std::size_t tokens = 1; tokens <= 6; ++tokens) {
    std::vector<unsigned char> want(tokens * activation_bytes(96));
    linear_impls().back().fn->quantize(x.data(), tokens, 96, want.data());
    for (const auto& [name, kernel] : tested()) {
      std::vector<unsigned char> got(want.size());
      kernel->quantize(x.data(), tokens, 96, got.data());
      EXPECT_EQ(got, want) << name;
    }
  }
}

TEST(Linear, SameBitsOnAnyNumberOfThreadsAndBesideOtherMatrices) {
  std::mt19937 rng(3);
  const Weights a(DType::kQ4_K, 203, 512, rng), b(DType::kQ6_K, 64, 512, rng);
  const std::vector<float> x = random_floats(9 * 512, rng);
  std::vector<float> first;
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    QuantizedRows q;
    q.quantize(pool, x.data(), 9, 512);
    std::vector<float> out(9 * 267, NAN);
    const Linear both[] = {{&a.packed, out.data(), 267}, {&b.packed, out.data() + 203, 267}};
    linear(pool, both, q);
    if (first.empty()) first = out;
    ASSERT_EQ(0, std::memcmp(out.data(), first.data(), 4 * out.size())) << threads;
    std::vector<float> alone(9 * 64, NAN);
    const Linear one[] = {{&b.packed, alone.data(), 64}};
    linear(pool, one, q);
    for (std::size_t t = 0; t < 9; ++t)
      ASSERT_EQ(0, std::memcmp(&alone[t * 64], &out[t * 267 + 203], 64 * 4));
  }
}

}  // namespace
}  // namespace aquilon::kernels
