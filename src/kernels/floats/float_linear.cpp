#include "kernels/floats/float_linear.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/check.h"

namespace aquilon::kernels {
namespace {

constexpr std::size_t kTasksPerThread = 4;  // of a matrix, where it is large enough

const FloatKernel& kernel() {
  static const FloatKernel& chosen = *choose(float_linear_impls());
  return chosen;
}

// Four tokens' values of four columns at a time.
using Four = float __attribute__((vector_size(16), aligned(4)));

void turn_four(const float* x, std::size_t columns, std::size_t step, float* to) {
  for (std::size_t k = 0; k < columns; k += 4) {
    Four row[4];
    for (std::size_t i = 0; i < 4; ++i)
      row[i] = *reinterpret_cast<const Four*>(x + i * columns + k);
    const Four a = __builtin_shufflevector(row[0], row[1], 0, 4, 1, 5);
    const Four b = __builtin_shufflevector(row[2], row[3], 0, 4, 1, 5);
    const Four c = __builtin_shufflevector(row[0], row[1], 2, 6, 3, 7);
    const Four d = __builtin_shufflevector(row[2], row[3], 2, 6, 3, 7);
    float* at = to + k * step;
    *reinterpret_cast<Four*>(at) = __builtin_shufflevector(a, b, 0, 1, 4, 5);
    *reinterpret_cast<Four*>(at + step) = __builtin_shufflevector(a, b, 2, 3, 6, 7);
    *reinterpret_cast<Four*>(at + 2 * step) = __builtin_shufflevector(c, d, 0, 1, 4, 5);
    *reinterpret_cast<Four*>(at + 3 * step) = __builtin_shufflevector(c, d, 2, 3, 6, 7);
  }
}

//   x  [tokens, columns];  to  [columns, tokens]
void arrange_tile(const float* x, std::size_t tokens, std::size_t columns, float* to) {
  std::size_t t = 0;
  for (; t + 4 <= tokens; t += 4) turn_four(x + t * columns, columns, tokens, to + t);
  for (; t < tokens; ++t)
    for (std::size_t k = 0; k < columns; ++k) to[k * tokens + t] = x[t * columns + k];
}

// A piece of one matrix that a thread does in one go.
struct Task {
  std::uint32_t matrix;
  std::uint32_t begin;  // groups
  std::uint32_t end;
};

void cut(std::span<const FloatLinear> matrices, std::size_t threads, std::vector<Task>& tasks) {
  tasks.clear();
  for (std::size_t m = 0; m < matrices.size(); ++m) {
    const quant::PackedFloats& w = *matrices[m].w;
    const std::size_t share = w.groups() / (2 * kTasksPerThread * threads);
    const std::size_t step = 2 * std::clamp<std::size_t>(share, 1, kFloatPairs);
    for (std::size_t g = 0; g < w.groups(); g += step)
      tasks.push_back({static_cast<std::uint32_t>(m), static_cast<std::uint32_t>(g),
                       static_cast<std::uint32_t>(std::min(g + step, w.groups()))});
  }
}

}  // namespace

std::span<const Impl<const FloatKernel>> float_linear_impls() {
#if defined(__x86_64__)
  static constexpr FloatKernel kAvx512{float_groups_avx512, 12};
  static constexpr FloatKernel kAvx2{float_groups_avx2, 6};
#endif
  static constexpr FloatKernel kRef{float_groups_ref, 8};
  static constexpr Impl<const FloatKernel> kImpls[] = {
#if defined(__x86_64__)
    {Isa::kAvx512, &kAvx512},
    {Isa::kAvx2, &kAvx2},
#endif
    {Isa::kRef, &kRef},
  };
  return kImpls;
}

void FloatRows::arrange(ThreadPool& pool, const float* x, std::size_t tokens, std::size_t columns) {
  AQ_CHECK(tokens > 0 && columns % quant::kFloatColumns == 0);
  tokens_ = tokens;
  columns_ = columns;
  tiles_ = (tokens + kernel().max_tile - 1) / kernel().max_tile;
  if (const std::size_t bytes = tokens * columns * sizeof(float); data_.size() < bytes) {
    data_ = {};
    auto larger = tensor::HugeBuffer::create(bytes);
    AQ_CHECK(larger.ok());
    data_ = std::move(*larger);
  }
  auto* const to = reinterpret_cast<float*>(data_.data());
  const std::size_t each = tokens / tiles_, wider = tokens % tiles_;
  const auto arrange_one = [&](std::size_t i) {
    const std::size_t first = i * each + std::min(i, wider);
    arrange_tile(x + first * columns, each + (i < wider ? 1 : 0), columns, to + first * columns);
  };
  if (tiles_ == 1)
    arrange_one(0);
  else
    pool.run(tiles_, arrange_one);
}

void float_linear(ThreadPool& pool, std::span<const FloatLinear> matrices,
                  const FloatRows& x) noexcept {
  thread_local std::vector<Task> tasks;  // the caller's
  cut(matrices, static_cast<std::size_t>(pool.threads()), tasks);
  const std::vector<Task>& all = tasks;
  pool.run(all.size(), [&](std::size_t i) {
    const FloatLinear& m = matrices[all[i].matrix];
    const FloatJob job{.w = reinterpret_cast<const unsigned char*>(m.w->data),
                       .packing = m.w->packing,
                       .rows = m.w->rows,
                       .columns = m.w->columns,
                       .x = x.data(),
                       .tiles = x.tiles(),
                       .tile_tokens = x.tokens() / x.tiles(),
                       .wider = x.tokens() % x.tiles(),
                       .bias = m.bias,
                       .add = m.add,
                       .out = m.out,
                       .out_stride = m.w->rows};
    kernel().groups(job, all[i].begin, all[i].end);
  });
}

}  // namespace aquilon::kernels
