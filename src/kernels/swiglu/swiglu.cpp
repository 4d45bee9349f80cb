#include "kernels/swiglu/swiglu.h"

#include "kernels/swiglu/swiglu_impl_internal.h"

namespace aquilon::kernels {

std::span<const Impl<Swiglu>> swiglu_impls() {
  static constexpr Impl<Swiglu> kImpls[] = {
#if defined(__x86_64__)
    {Isa::kAvx2, swiglu_avx2},
#endif
    {Isa::kRef, swiglu_ref},
  };
  return kImpls;
}

void swiglu(float* gate, const float* up, std::size_t n) noexcept {
  static Swiglu* const chosen = choose(swiglu_impls());
  chosen(gate, up, n);
}

}  // namespace aquilon::kernels
