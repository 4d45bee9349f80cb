#include "kernels/encode/encode.h"

#include "base/check.h"

namespace aquilon::kernels {

using tensor::DType;

std::span<const Impl<EncodeBlocks>> encode_impls() {
  static constexpr Impl<EncodeBlocks> kImpls[] = {
#if defined(__x86_64__)
    {Isa::kAvx512, encode_avx512},
    {Isa::kAvx2, encode_avx2},
#endif
    {Isa::kRef, encode_ref},
  };
  return kImpls;
}

bool can_encode(DType type) noexcept {
  switch (type) {
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kQ4_0:
    case DType::kQ4_1:
    case DType::kQ5_0:
    case DType::kQ5_1:
    case DType::kQ8_0:
    case DType::kQ4_K:
    case DType::kQ5_K:
    case DType::kQ6_K:
      return true;
    default:
      return false;
  }
}

bool encode(DType type, const float* x, const float* importance, std::size_t n,
            std::byte* out) noexcept {
  AQ_CHECK(can_encode(type) && n % tensor::dtype_info(type).block_size == 0);
  static EncodeBlocks* const chosen = choose(encode_impls());
  return chosen(static_cast<std::uint32_t>(type), x, importance, n,
                reinterpret_cast<unsigned char*>(out));
}

}  // namespace aquilon::kernels
