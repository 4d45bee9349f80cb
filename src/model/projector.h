// Products of a batch of activations with weight matrices, packed or as stored.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/floats/float_linear.h"
#include "kernels/linear/linear.h"
#include "model/adapter_products.h"
#include "model/weights.h"

namespace aquilon::model {

// Called with the activations of each product before it is computed.   x  [tokens, K]
using ProductObserver =
    std::function<void(const WeightMatrix& w, const float* x, std::size_t tokens)>;

struct Product {
  const WeightMatrix* w;        // [N, K]
  float* out;                   // [T, N]
  const float* bias = nullptr;  // [N]
  bool add = false;             // out += instead of out =
};

// Matrices that share an input share its quantisation and one parallel loop.
// Threads: one caller at a time.
class Projector {
 public:
  explicit Projector(ThreadPool& pool) : pool_(pool), adapters_(pool) {}

  void observe(ProductObserver observer) { observer_ = std::move(observer); }
  // From now on these rows have adapters, all others none. A row's result is the same bits whatever
  // the others have. `rows` must outlive the runs; their adapters are of the products' model.
  void adapt(std::span<const AdaptedRows> rows) { adapted_ = rows; }

  //   x  [tokens, K]; its rows [first, first + n) are made by prepare(first, n), on any thread,
  //      just before they are first read
  template <class Prepare>
  void run(const float* x, std::size_t tokens, std::size_t columns,
           std::span<const Product> products, const Prepare& prepare) {
    if (any_packed(products)) {
      quantized_.quantize(pool_, x, tokens, columns, prepare);
    } else {
      pool_.run(tokens, [&](std::size_t t) { prepare(t, 1); });
    }
    multiply(x, tokens, products);
  }
  void run(const float* x, std::size_t tokens, std::size_t columns,
           std::span<const Product> products) {
    run(x, tokens, columns, products, [](std::size_t, std::size_t) {});
  }

 private:
  static bool any_packed(std::span<const Product> products);
  void multiply(const float* x, std::size_t tokens, std::span<const Product> products);
  void multiply_floats(const float* x, std::size_t tokens);
  void multiply_stored(const Product& p, const float* x, std::size_t tokens);

  ThreadPool& pool_;
  ProductObserver observer_;  // mostly none
  kernels::QuantizedRows quantized_;
  kernels::FloatRows arranged_;
  std::vector<kernels::Linear> linears_;
  std::vector<kernels::FloatLinear> float_linears_;
  std::span<const AdaptedRows> adapted_;
  AdapterProducts adapters_;
  std::vector<float> product_;  // [T, N] of a stored matrix
};

}  // namespace aquilon::model
