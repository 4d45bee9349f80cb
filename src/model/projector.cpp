#include "model/projector.h"

#include <algorithm>

#include "kernels/matmul/matmul.h"

namespace aquilon::model {

bool Projector::any_packed(std::span<const Product> products) {
  return std::any_of(products.begin(), products.end(),
                     [](const Product& p) { return !p.w->packed.empty(); });
}

void Projector::multiply(const float* x, std::size_t tokens, std::span<const Product> products) {
  linears_.clear();
  float_linears_.clear();
  for (const Product& p : products) {
    if (observer_) observer_(*p.w, x, tokens);
    if (!p.w->packed.empty())
      linears_.push_back({&p.w->packed, p.out, p.w->rows(), p.bias, p.add});
    else if (!p.w->floats.empty())
      float_linears_.push_back({&p.w->floats, p.out, p.bias, p.add});
    else
      multiply_stored(p, x, tokens);
  }
  if (!linears_.empty()) kernels::linear(pool_, linears_, quantized_);
  if (!float_linears_.empty()) multiply_floats(x, tokens);
  for (const AdaptedRows& rows : adapted_)
    for (const Product& p : products)
      if (const LowRank* low = rows.use.adapter->find(p.w)) adapters_.push(*low, rows, x, p.out);
  adapters_.run();
}

void Projector::multiply_floats(const float* x, std::size_t tokens) {
  arranged_.arrange(pool_, x, tokens, float_linears_.front().w->columns);
  kernels::float_linear(pool_, float_linears_, arranged_);
}

void Projector::multiply_stored(const Product& p, const float* x, std::size_t tokens) {
  const std::size_t rows = p.w->rows();
  float* to = p.out;
  if (p.add) {
    product_.resize(tokens * rows);
    to = product_.data();
  }
  kernels::matmul(pool_, p.w->stored, x, tokens, to);
  if (p.bias != nullptr)
    for (std::size_t i = 0; i < tokens * rows; ++i) to[i] += p.bias[i % rows];
  if (p.add)
    for (std::size_t i = 0; i < tokens * rows; ++i) p.out[i] += to[i];
}

}  // namespace aquilon::model
