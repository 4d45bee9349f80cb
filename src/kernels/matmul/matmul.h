// Matrix times activations, weights decoded exactly to f32 on the way: the reference computation of
// the engine. Packed layouts with integer arithmetic will stand before it in the table.
#pragma once

#include <cstddef>
#include <span>

#include "base/thread_pool.h"
#include "kernels/isa.h"
#include "kernels/matmul/matmul_impl_internal.h"  // MatmulRows
#include "tensor/view.h"

namespace aquilon::kernels {

// out[t, r] = sum over k of x[t, k] * w[r, k].
//   w    [N, K]  any stored type, decoded to f32
//   x    [T, K]  f32, rows contiguous
//   out  [T, N]  f32, rows contiguous; may not overlap x
// The result for a (token, row) pair does not depend on T, on the other tokens or on the threads.
// Errors: none (caller checked shapes).  Threads: safe, one caller a pool.
// Cost: decodes w once every 64 tokens; plain types for up to 4 are read as they lie.
// Reference: matmul_ref.cpp.
void matmul(ThreadPool& pool, const tensor::MatrixView& w, const float* x, std::size_t tokens,
            float* out) noexcept;

// Rows [begin, end) of w alone, on the caller's thread: the same bits, the rest of out stays.
void matmul_part(const tensor::MatrixView& w, std::size_t begin, std::size_t end, const float* x,
                 std::size_t tokens, float* out) noexcept;

std::span<const Impl<MatmulRows>> matmul_impls();

}  // namespace aquilon::kernels
