// Products with packed matrices of F16 and BF16 in f32.
#pragma once

#include <cstddef>
#include <span>

#include "base/thread_pool.h"
#include "kernels/floats/float_linear_impl_internal.h"  // FloatKernel
#include "kernels/isa.h"
#include "quant/pack_floats.h"
#include "tensor/huge_buffer.h"

namespace aquilon::kernels {

// A batch of activations, cut into tiles of tokens with the tokens of a column side by side. Made
// once for all matrices that read the same activations.
// Threads: arrange() has one caller; the rest is const.
class FloatRows {
 public:
  //   x  [tokens, columns] f32
  void arrange(ThreadPool& pool, const float* x, std::size_t tokens, std::size_t columns);

  const float* data() const { return reinterpret_cast<const float*>(data_.data()); }
  std::size_t tokens() const { return tokens_; }
  std::size_t columns() const { return columns_; }
  // The batch is cut into tiles that differ by one token at most, the wider first.
  std::size_t tiles() const { return tiles_; }

 private:
  tensor::HugeBuffer data_;  // grows; small pages cost a tenth with long rows
  std::size_t tokens_ = 0;
  std::size_t columns_ = 0;
  std::size_t tiles_ = 1;
};

struct FloatLinear {
  const quant::PackedFloats* w;  // [N, K]
  float* out;                    // [T, N]
  const float* bias = nullptr;   // [N]
  bool add = false;              // out += the product
};

// out[t, r] = sum over k, ascending, of fma(w[r, k], x[t, k], .) from 0 on, weights as f32: the
// same bits on every instruction set, whatever T, the other tokens and the threads are.
//
// All matrices have K = x.columns(). Errors: none.  Threads: safe, one caller a pool.
// Cost: reads w once for all tokens. Reference: float_linear_ref.cpp.
void float_linear(ThreadPool& pool, std::span<const FloatLinear> matrices,
                  const FloatRows& x) noexcept;

std::span<const Impl<const FloatKernel>> float_linear_impls();

}  // namespace aquilon::kernels
