#include "kernels/encode/encode_impl_internal.h"
#include "quant/blocks_encode_k.h"

namespace aquilon::kernels {

bool encode_ref(std::uint32_t type, const float* x, const float* importance, std::size_t n,
                unsigned char* out) noexcept {
  return quant::blocks::encode_any(type, x, importance, n, out);
}

}  // namespace aquilon::kernels
