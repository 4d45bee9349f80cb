// The products of adapters with the rows of a batch, several matrices in one parallel loop.
#pragma once

#include <cstddef>
#include <vector>

#include "base/thread_pool.h"
#include "model/adapter.h"

namespace aquilon::model {

// A row's result is the same bits whatever else is pushed, on any number of threads.
// Threads: one caller at a time.
class AdapterProducts {
 public:
  explicit AdapterProducts(ThreadPool& pool) : pool_(pool) {}

  // out += b (scale * (a x)) for `rows` of the batch, once run() is called.
  //   x    [T, K]  f32
  //   out  [T, N]  f32; no two may overlap
  void push(const LowRank& low, const AdaptedRows& rows, const float* x, float* out);
  // All that were pushed, which are forgotten.
  void run();

 private:
  struct Item {
    const LowRank* low;
    float scale;
    const float* x;       // its first row
    float* out;           // likewise
    std::size_t count;    // rows
    std::size_t reduced;  // where its [count, R] begin
    std::size_t product;  // where its [count, N] begin
  };
  // A part of an item's product: some rows of the matrix, some rows of the batch.
  struct Part {
    const Item* item;
    std::size_t begin, end;
    std::size_t first, count;
  };

  void split(std::size_t matrix_rows, const Item& item, std::size_t step);
  template <class Body>
  void run_parts(const Body& body);

  ThreadPool& pool_;
  std::vector<Item> items_;
  std::vector<Part> parts_;
  std::vector<float> reduced_;  // a x
  std::vector<float> product_;  // b (...)
  std::size_t work_ = 0;        // multiplications
};

}  // namespace aquilon::model
