// Products with packed quantised weights in integer arithmetic.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/isa.h"
#include "kernels/linear/linear_impl_internal.h"  // LinearKernel
#include "quant/pack.h"

namespace aquilon::kernels {

// A batch of activations, quantised to 8 bits with one scale for each 32 columns of a token:
//   d = max|x| / 127, q = round to nearest even (x * (127 / max|x|)).
// Made once for all matrices that read the same activations.
// Threads: quantize() has one caller; the rest is const.
class QuantizedRows {
 public:
  //   x  [tokens, columns] f32, columns a multiple of 32
  void quantize(ThreadPool& pool, const float* x, std::size_t tokens, std::size_t columns) {
    quantize(pool, x, tokens, columns, [](std::size_t, std::size_t) {});
  }
  // The same for rows that prepare(first, n) writes, called once for all of them, piece by piece
  // on any thread, just before they are read.
  template <class Prepare>
  void quantize(ThreadPool& pool, const float* x, std::size_t tokens, std::size_t columns,
                const Prepare& prepare) {
    resize(tokens, columns);
    pool.run(tiles_, [&](std::size_t i) {
      const std::size_t first = i * tile_tokens() + std::min(i, wider());
      prepare(first, tile_tokens() + (i < wider() ? 1 : 0));
      quantize_tile(i, x);
    });
  }

  const unsigned char* data() const { return data_.data(); }
  std::size_t tokens() const { return tokens_; }
  std::size_t columns() const { return columns_; }
  // The batch is cut into tiles that differ by one token at most, the wider first.
  std::size_t tiles() const { return tiles_; }
  std::size_t tile_tokens() const { return tokens_ / tiles_; }
  std::size_t wider() const { return tokens_ % tiles_; }

 private:
  void resize(std::size_t tokens, std::size_t columns);
  void quantize_tile(std::size_t i, const float* x);

  std::vector<unsigned char> data_;
  std::size_t tokens_ = 0;
  std::size_t columns_ = 0;
  std::size_t tiles_ = 1;
};

// One matrix of a product and where its result goes.
struct Linear {
  const quant::PackedMatrix* w;  // [N, K]
  float* out;                    // [T, out_stride]
  std::size_t out_stride;        // at least N
  const float* bias = nullptr;   // [N]
  bool add = false;              // out += the product
};

// out[t, r] = sum over blocks b of 32 columns, in ascending order, of the block's share:
//   share = fma(float(sum of v_w q_x), d_w d_x, .), then fma(minimum, d_x sum of q_x, .)
// with v as in quant/packed_layout.h, and whole scales of halves within the sum; but with
//   kHalvesMin    share = fma(fma(-float(sum of m), dmin, float(sum) d), d_x, .)
//   kSmallFloats  share = fma(fma(float(second sum), e_2, float(first sum) e_1), d_x, .)
// Sums are of integers, so a (token, row) pair's result is the same bits on every instruction set
// and does not depend on T, on the other tokens or on the threads.
//
// All matrices have K = x.columns(). Errors: none.  Threads: safe, one caller a pool.
// Cost: reads w once for all tokens. Reference: linear_ref.cpp.
void linear(ThreadPool& pool, std::span<const Linear> matrices, const QuantizedRows& x) noexcept;

std::span<const Impl<const LinearKernel>> linear_impls();

// The kernel that linear() uses: the best one that this machine computes right.
const LinearKernel& linear_kernel();
// The calling thread's scratch for its panels, valid until the next call.
unsigned char* linear_panel(std::size_t columns);

}  // namespace aquilon::kernels
