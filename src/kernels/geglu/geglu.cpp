#include "kernels/geglu/geglu.h"

#include "kernels/geglu/geglu_impl_internal.h"

namespace aquilon::kernels {

std::span<const Impl<Geglu>> geglu_impls() {
  static constexpr Impl<Geglu> kImpls[] = {
#if defined(__x86_64__)
    {Isa::kAvx2, geglu_avx2},
#endif
    {Isa::kRef, geglu_ref},
  };
  return kImpls;
}

void geglu(float* gate, const float* up, std::size_t n) noexcept {
  static Geglu* const chosen = choose(geglu_impls());
  chosen(gate, up, n);
}

}  // namespace aquilon::kernels
