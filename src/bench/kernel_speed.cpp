#include "bench/kernel_speed.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "bench/synthetic_matrix.h"
#include "kernels/floats/float_linear.h"
#include "kernels/linear/linear.h"

namespace aquilon::bench {
namespace {

constexpr std::size_t kWorkingSet = std::size_t{192} << 20;  // beyond the caches

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// What one product does: `active` experts with `each` tokens.
struct Load {
  std::size_t active;
  std::size_t each;

  Load(const KernelShape& shape, std::size_t tokens)
      : active(std::min(shape.experts, tokens * shape.used)),
        each(std::max<std::size_t>(1, tokens * shape.used / active)) {}
};

class Product {
 public:
  Product(ThreadPool& pool, const SyntheticMatrices& matrices, const KernelShape& shape,
          std::size_t tokens)
      : pool_(pool), matrices_(matrices), load_(shape, tokens), out_(load_.each * shape.rows) {
    std::vector<float> x(load_.each * shape.columns);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i % 1000));
    if (matrices.are_floats())
      arranged_.arrange(pool, x.data(), load_.each, shape.columns);
    else
      x_.quantize(pool, x.data(), load_.each, shape.columns);
  }

  // False: stopped, the product is not whole.
  bool run(const std::function<bool()>& stop) {
    for (std::size_t i = 0; i < load_.active; ++i) {
      if (stop()) return false;
      multiply();
      next_ = (next_ + 1) % matrices_.size();
    }
    return true;
  }

  const Load& load() const { return load_; }

 private:
  void multiply() {
    if (matrices_.are_floats()) {
      const kernels::FloatLinear one{&matrices_.floats(next_), out_.data()};
      return kernels::float_linear(pool_, {&one, 1}, arranged_);
    }
    const kernels::Linear one{
        .w = &matrices_[next_], .out = out_.data(), .out_stride = matrices_[next_].rows};
    kernels::linear(pool_, {&one, 1}, x_);
  }

  ThreadPool& pool_;
  const SyntheticMatrices& matrices_;
  Load load_;
  kernels::QuantizedRows x_;     // these
  kernels::FloatRows arranged_;  // or these
  std::vector<float> out_;
  std::size_t next_ = 0;
};

// Nothing where it was stopped.
std::optional<Summary> time_product(Product& product, int repetitions, double sample_ms,
                                    const std::function<bool()>& stop) {
  product.run(stop);
  const double once = std::max(1e-7, seconds_of([&] { product.run(stop); }));
  const auto runs = static_cast<std::size_t>(std::max(1.0, sample_ms / 1e3 / once));
  std::vector<double> seconds;
  for (int i = 0; i < repetitions; ++i)
    seconds.push_back(seconds_of([&] {
                        for (std::size_t r = 0; r < runs && product.run(stop); ++r) {
                        }
                      }) /
                      static_cast<double>(runs));
  if (stop()) return std::nullopt;
  return summarize(std::move(seconds));
}

}  // namespace

Result<std::vector<KernelResult>> measure_kernel(ThreadPool& pool, tensor::DType type,
                                                 const KernelShape& shape,
                                                 const std::vector<std::size_t>& tokens,
                                                 int repetitions, double sample_ms,
                                                 const std::function<bool()>& stop) {
  const tensor::DTypeInfo& info = tensor::dtype_info(type);
  const std::size_t unit = quant::packing_of(type) ? info.block_size : quant::kFloatColumns;
  if (shape.columns % unit != 0)
    return make_error(Code::kInvalidArgument,
                      "{} is packed by {} columns; {} columns are no multiple of that", info.name,
                      unit, shape.columns);
  const std::size_t bytes = shape.rows * tensor::row_bytes(type, shape.columns);
  const std::size_t count = std::max(shape.experts, kWorkingSet / std::max<std::size_t>(1, bytes));
  const SyntheticMatrices matrices =
      AQ_TRY(SyntheticMatrices::create(type, shape.rows, shape.columns, count + 1));
  std::vector<KernelResult> results;
  for (const std::size_t n : tokens) {
    Product product(pool, matrices, shape, n);
    const Load& load = product.load();
    const auto seconds = time_product(product, repetitions, sample_ms, stop);
    if (!seconds) break;
    results.push_back({.tokens = n,
                       .seconds = *seconds,
                       .operations = 2.0 * static_cast<double>(load.active * load.each) *
                                     static_cast<double>(shape.rows * shape.columns),
                       .bytes = static_cast<double>(load.active * matrices.matrix_bytes())});
  }
  return results;
}

}  // namespace aquilon::bench
