#include "kernels/rmsnorm/rmsnorm.h"

#include "kernels/rmsnorm/rmsnorm_impl_internal.h"

namespace aquilon::kernels {

std::span<const Impl<RmsnormRow>> rmsnorm_impls() {
  static constexpr Impl<RmsnormRow> kImpls[] = {
#if defined(__x86_64__)
    {Isa::kAvx2, rmsnorm_row_avx2},
#endif
    {Isa::kRef, rmsnorm_row_ref},
  };
  return kImpls;
}

void rmsnorm(const float* x, const float* weight, std::size_t tokens, std::size_t dim, float eps,
             float* out) noexcept {
  static RmsnormRow* const row = choose(rmsnorm_impls());
  for (std::size_t t = 0; t < tokens; ++t) row(x + t * dim, weight, dim, eps, out + t * dim);
}

}  // namespace aquilon::kernels
