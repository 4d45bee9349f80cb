#include "kernels/matmul/matmul.h"

#include <algorithm>

namespace aquilon::kernels {
namespace {

constexpr std::size_t kRowGroup = 8;        // rows that the kernels take together
constexpr std::size_t kTasksPerThread = 8;  // so that a stolen core costs an eighth of its share

}  // namespace

std::span<const Impl<MatmulRows>> matmul_impls() {
  static constexpr Impl<MatmulRows> kImpls[] = {
#if defined(__x86_64__)
    {Isa::kAvx512, matmul_rows_avx512},
    {Isa::kAvx2, matmul_rows_avx2},
#endif
    {Isa::kRef, matmul_rows_ref},
  };
  return kImpls;
}

namespace {

MatmulJob job_of(const tensor::MatrixView& w, const float* x, std::size_t tokens, float* out) {
  const tensor::DTypeInfo& info = tensor::dtype_info(w.dtype);
  return {
      .w = reinterpret_cast<const unsigned char*>(w.data),
      .dtype = static_cast<std::uint32_t>(w.dtype),
      .block_size = info.block_size,
      .block_bytes = info.block_bytes,
      .columns = w.columns,
      .x = x,
      .tokens = tokens,
      .out = out,
      .out_stride = w.rows,
  };
}

MatmulRows* chosen() {
  static MatmulRows* const rows = choose(matmul_impls());
  return rows;
}

}  // namespace

void matmul(ThreadPool& pool, const tensor::MatrixView& w, const float* x, std::size_t tokens,
            float* out) noexcept {
  MatmulRows* const rows = chosen();
  const MatmulJob job = job_of(w, x, tokens, out);
  const std::size_t groups = (w.rows + kRowGroup - 1) / kRowGroup;
  const std::size_t want_tasks = static_cast<std::size_t>(pool.threads()) * kTasksPerThread;
  const std::size_t step = kRowGroup * std::max<std::size_t>(1, groups / want_tasks);
  pool.run((w.rows + step - 1) / step,
           [&](std::size_t task) { rows(job, task * step, std::min(w.rows, (task + 1) * step)); });
}

void matmul_part(const tensor::MatrixView& w, std::size_t begin, std::size_t end, const float* x,
                 std::size_t tokens, float* out) noexcept {
  chosen()(job_of(w, x, tokens, out), begin, end);
}

}  // namespace aquilon::kernels
