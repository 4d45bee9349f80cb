#include "kernels/linear/linear.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "base/check.h"
#include "kernels/linear/linear_check.h"

namespace aquilon::kernels {
namespace {

constexpr std::size_t kTaskBytes = 96 << 10;  // of packed weights: what a stolen core may delay

const LinearKernel& kernel() {
  static const LinearKernel& chosen = first_sound(
      linear_impls(), chosen_isa(),
      [](const std::string& line) { std::fprintf(stderr, "aquilon: %s\n", line.c_str()); });
  return chosen;
}

// A thread's place for groups of 16 rows with a byte a quant.
unsigned char* panel_scratch(std::size_t bytes) {
  struct Free {
    void operator()(unsigned char* p) const { ::operator delete[](p, std::align_val_t{64}); }
  };
  thread_local std::unique_ptr<unsigned char[], Free> buffer;
  thread_local std::size_t size = 0;
  if (size < bytes) {
    buffer.reset(static_cast<unsigned char*>(::operator new[](bytes, std::align_val_t{64})));
    size = bytes;
  }
  return buffer.get();
}

// A piece of one matrix that a thread does in one go.
struct Task {
  std::uint32_t matrix;
  std::uint32_t begin;  // groups
  std::uint32_t end;
};

void cut(std::span<const Linear> matrices, std::vector<Task>& tasks) {
  tasks.clear();
  for (std::size_t m = 0; m < matrices.size(); ++m) {
    const quant::PackedMatrix& w = *matrices[m].w;
    const std::size_t bytes = quant::group_bytes(w.packing, w.columns);
    const std::size_t step = std::max<std::size_t>(1, kTaskBytes / bytes);
    for (std::size_t g = 0; g < w.groups(); g += step)
      tasks.push_back({static_cast<std::uint32_t>(m), static_cast<std::uint32_t>(g),
                       static_cast<std::uint32_t>(std::min(g + step, w.groups()))});
  }
}

}  // namespace

std::span<const Impl<const LinearKernel>> linear_impls() {
#if defined(__x86_64__)
  static constexpr LinearKernel kAvx512{quantize_tile_avx512, linear_groups_avx512, 12, 2};
  static constexpr LinearKernel kAvx2{quantize_tile_avx2, linear_groups_avx2, 6};
#endif
  static constexpr LinearKernel kRef{quantize_tile_ref, linear_groups_ref, 8};
  static constexpr Impl<const LinearKernel> kImpls[] = {
#if defined(__x86_64__)
    {Isa::kAvx512, &kAvx512},
    {Isa::kAvx2, &kAvx2},
#endif
    {Isa::kRef, &kRef},
  };
  return kImpls;
}

void QuantizedRows::resize(std::size_t tokens, std::size_t columns) {
  AQ_CHECK(tokens > 0 && columns % quant::kTileColumns == 0);
  tokens_ = tokens;
  columns_ = columns;
  const std::size_t widest = kernel().max_tile;
  tiles_ = (tokens + widest - 1) / widest;
  data_.resize(tokens * activation_bytes(columns));
}

void QuantizedRows::quantize_tile(std::size_t i, const float* x) {
  const std::size_t first = i * tile_tokens() + std::min(i, wider());
  kernel().quantize(x + first * columns_, tile_tokens() + (i < wider() ? 1 : 0), columns_,
                    data_.data() + first * activation_bytes(columns_));
}

void linear(ThreadPool& pool, std::span<const Linear> matrices, const QuantizedRows& x) noexcept {
  thread_local std::vector<Task> tasks;  // the caller's
  cut(matrices, tasks);
  const std::vector<Task>& all = tasks;
  pool.run(all.size(), [&](std::size_t i) {
    const Linear& m = matrices[all[i].matrix];
    const LinearJob job{
        .w = reinterpret_cast<const unsigned char*>(m.w->data),
        .packing = m.w->packing,
        .rows = m.w->rows,
        .columns = m.w->columns,
        .x = x.data(),
        .tiles = x.tiles(),
        .tile_tokens = x.tile_tokens(),
        .wider = x.wider(),
        .bias = m.bias,
        .add = m.add,
        .out = m.out,
        .out_stride = m.out_stride,
        .panel = panel_scratch(kernel().panel_groups * quant::kGroupRows * m.w->columns),
    };
    kernel().groups(job, all[i].begin, all[i].end);
  });
}

const LinearKernel& linear_kernel() {
  return kernel();
}

unsigned char* linear_panel(std::size_t columns) {
  return panel_scratch(kernel().panel_groups * quant::kGroupRows * columns);
}

}  // namespace aquilon::kernels
