#include "quant/decode.h"

#include "base/check.h"
#include "quant/blocks_decode.h"

namespace aquilon::quant {

void decode(tensor::DType type, const std::byte* blocks, std::size_t n, float* out) noexcept {
  AQ_CHECK(n % tensor::dtype_info(type).block_size == 0);
  if (n == 0) return;
  AQ_CHECK(blocks::decode_any(static_cast<std::uint32_t>(type),
                              reinterpret_cast<const unsigned char*>(blocks), n, out));
}

float f16_to_f32(std::uint16_t bits) noexcept {
  return blocks::half_to_float(bits);
}

float bf16_to_f32(std::uint16_t bits) noexcept {
  return blocks::bfloat_to_float(bits);
}

}  // namespace aquilon::quant
