#include "kernels/moe/grouped_linear.h"

#include <algorithm>
#include <cstdint>

#include "base/check.h"

namespace aquilon::kernels {
namespace {

constexpr std::size_t kTaskBytes = 96 << 10;  // of packed weights, as in linear()

// A piece of one product that a thread does in one go.
struct Task {
  std::uint32_t product;
  std::uint32_t begin;  // groups of 16 output rows
  std::uint32_t end;
};

void cut(std::span<const GroupedLinear> products, const GroupedRows& x, std::vector<Task>& tasks) {
  tasks.clear();
  for (std::size_t p = 0; p < products.size(); ++p) {
    if (x.group(products[p].group).rows == 0) continue;
    const quant::PackedMatrix& w = *products[p].w;
    const std::size_t bytes = quant::group_bytes(w.packing, w.columns);
    const std::size_t step = std::max<std::size_t>(1, kTaskBytes / bytes);
    for (std::size_t g = 0; g < w.groups(); g += step)
      tasks.push_back({static_cast<std::uint32_t>(p), static_cast<std::uint32_t>(g),
                       static_cast<std::uint32_t>(std::min(g + step, w.groups()))});
  }
}

}  // namespace

GroupedRows::Group GroupedRows::group(std::size_t i) const {
  const std::size_t first = i == 0 ? 0 : ends_[i - 1];
  const std::size_t rows = ends_[i] - first;
  const std::size_t widest = linear_kernel().max_tile;
  return {data_.data() + first * activation_bytes(columns_), first, rows,
          (rows + widest - 1) / widest};
}

// The rows of a group are cut into tiles that differ by one row at most, the wider first.
void GroupedRows::resize(std::span<const std::size_t> ends, std::size_t columns) {
  AQ_CHECK(columns % quant::kTileColumns == 0);
  ends_.assign(ends.begin(), ends.end());
  columns_ = columns;
  data_.resize(ends.empty() ? 0 : ends.back() * activation_bytes(columns));
  tiles_.clear();
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const Group g = group(i);
    for (std::size_t tile = 0, first = g.first; tile < g.tiles; ++tile) {
      const std::size_t rows = g.rows / g.tiles + (tile < g.rows % g.tiles ? 1 : 0);
      tiles_.push_back({first, rows});
      first += rows;
    }
  }
}

void GroupedRows::quantize_tile(const Tile& tile, const float* x) {
  linear_kernel().quantize(x + tile.first * columns_, tile.rows, columns_,
                           data_.data() + tile.first * activation_bytes(columns_));
}

void grouped_linear(ThreadPool& pool, std::span<const GroupedLinear> products,
                    const GroupedRows& x) noexcept {
  thread_local std::vector<Task> tasks;  // the caller's
  cut(products, x, tasks);
  const std::vector<Task>& all = tasks;
  const LinearKernel& kernel = linear_kernel();
  pool.run(all.size(), [&](std::size_t i) {
    const GroupedLinear& p = products[all[i].product];
    const GroupedRows::Group group = x.group(p.group);
    const LinearJob job{
        .w = reinterpret_cast<const unsigned char*>(p.w->data),
        .packing = p.w->packing,
        .rows = p.w->rows,
        .columns = p.w->columns,
        .x = group.data,
        .tiles = group.tiles,
        .tile_tokens = group.rows / group.tiles,
        .wider = group.rows % group.tiles,
        .bias = nullptr,
        .add = false,
        .out = p.out + group.first * p.w->rows,
        .out_stride = p.w->rows,
        .panel = linear_panel(p.w->columns),
    };
    kernel.groups(job, all[i].begin, all[i].end);
  });
}

}  // namespace aquilon::kernels
