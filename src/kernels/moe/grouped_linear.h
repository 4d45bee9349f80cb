// Products of groups of rows with packed matrices, a matrix to each group: the experts of a layer
// and the tokens that chose them, in one parallel loop.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/linear/linear.h"
#include "quant/pack.h"

namespace aquilon::kernels {

// Activations of groups of tokens, quantised as QuantizedRows has it, each group tiled on its own.
// Threads: quantize() has one caller; the rest is const.
class GroupedRows {
 public:
  // prepare(first, n) writes rows of x, called once for all of them, piece by piece on any thread,
  // just before they are read.
  //   x     [ends.back(), columns] f32, columns a multiple of 32
  //   ends  [groups] row after each group's last, ascending; empty groups are allowed
  template <class Prepare>
  void quantize(ThreadPool& pool, const float* x, std::span<const std::size_t> ends,
                std::size_t columns, const Prepare& prepare) {
    resize(ends, columns);
    pool.run(tiles_.size(), [&](std::size_t i) {
      prepare(tiles_[i].first, tiles_[i].rows);
      quantize_tile(tiles_[i], x);
    });
  }

  struct Group {
    const unsigned char* data;
    std::size_t first;  // row
    std::size_t rows;
    std::size_t tiles;
  };
  Group group(std::size_t i) const;
  std::size_t columns() const { return columns_; }

 private:
  struct Tile {
    std::size_t first;  // row
    std::size_t rows;
  };

  void resize(std::span<const std::size_t> ends, std::size_t columns);
  void quantize_tile(const Tile& tile, const float* x);

  std::vector<unsigned char> data_;
  std::vector<std::size_t> ends_;
  std::vector<Tile> tiles_;
  std::size_t columns_ = 0;
};

// The product of one group.
struct GroupedLinear {
  const quant::PackedMatrix* w;  // [N, K]
  std::size_t group;
  float* out;  // [all rows, N]; the group's rows of it are written
};

// Each (row, output) pair as linear() gives it: the same bits whatever else is in the batch.
// All matrices have K = x.columns(). Errors: none.  Threads: safe, one caller a pool.
// Cost: reads each matrix once; those of empty groups are not touched.
void grouped_linear(ThreadPool& pool, std::span<const GroupedLinear> products,
                    const GroupedRows& x) noexcept;

}  // namespace aquilon::kernels
