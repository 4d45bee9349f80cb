#pragma once

#include "kernels/linear/linear_impl_internal.h"

namespace aquilon::kernels {

// The AVX-512 kernel in portable code; null where SIMDe (Debian: libsimde-dev) was missing when the
// tests were built.
const LinearKernel* emulated_avx512();

}  // namespace aquilon::kernels
