#include "model/adapter_products.h"

#include <algorithm>

#include "kernels/matmul/matmul.h"

namespace aquilon::model {
namespace {

constexpr std::size_t kBatchRows = 64;    // of a part: what the kernel takes at a time
constexpr std::size_t kRankRows = 8;      // of a, likewise
constexpr std::size_t kOutRows = 512;     // of b
constexpr std::size_t kAlone = 1u << 17;  // multiplications that wake no other thread

}  // namespace

void AdapterProducts::push(const LowRank& low, const AdaptedRows& rows, const float* x,
                           float* out) {
  Item item{.low = &low,
            .scale = low.scale * rows.use.scale,
            .x = x + rows.first * low.a.columns,
            .out = out + rows.first * low.b.rows,
            .count = rows.count,
            .reduced = 0,
            .product = 0};
  if (!items_.empty()) {
    const Item& last = items_.back();
    item.reduced = last.reduced + last.count * last.low->a.rows;
    item.product = last.product + last.count * last.low->b.rows;
  }
  items_.push_back(item);
  work_ += rows.count * low.a.rows * (low.a.columns + low.b.rows);
}

void AdapterProducts::run() {
  if (items_.empty()) return;
  const Item& last = items_.back();
  reduced_.resize(last.reduced + last.count * last.low->a.rows);
  product_.resize(last.product + last.count * last.low->b.rows);
  for (const Item& item : items_) split(item.low->a.rows, item, kRankRows);
  run_parts([this](const Part& part) {
    const Item& item = *part.item;
    const tensor::MatrixView& a = item.low->a;
    float* to = &reduced_[item.reduced + part.first * a.rows];
    kernels::matmul_part(a, part.begin, part.end, item.x + part.first * a.columns, part.count, to);
    for (std::size_t t = 0; t < part.count; ++t)
      for (std::size_t i = part.begin; i < part.end; ++i) to[t * a.rows + i] *= item.scale;
  });
  for (const Item& item : items_) split(item.low->b.rows, item, kOutRows);
  run_parts([this](const Part& part) {
    const Item& item = *part.item;
    const tensor::MatrixView& b = item.low->b;
    const float* from = &reduced_[item.reduced + part.first * b.columns];
    float* product = &product_[item.product + part.first * b.rows];
    kernels::matmul_part(b, part.begin, part.end, from, part.count, product);
    float* out = item.out + part.first * b.rows;
    for (std::size_t t = 0; t < part.count; ++t)
      for (std::size_t i = t * b.rows + part.begin; i < t * b.rows + part.end; ++i)
        out[i] += product[i];
  });
  items_.clear();
  work_ = 0;
}

void AdapterProducts::split(std::size_t matrix_rows, const Item& item, std::size_t step) {
  for (std::size_t begin = 0; begin < matrix_rows; begin += step)
    for (std::size_t first = 0; first < item.count; first += kBatchRows)
      parts_.push_back({&item, begin, std::min(matrix_rows, begin + step), first,
                        std::min(kBatchRows, item.count - first)});
}

// Calls body with every part, and forgets them.
template <class Body>
void AdapterProducts::run_parts(const Body& body) {
  if (work_ <= kAlone) {
    for (const Part& part : parts_) body(part);
  } else {
    pool_.run(parts_.size(), [&](std::size_t i) { body(parts_[i]); });
  }
  parts_.clear();
}

}  // namespace aquilon::model
