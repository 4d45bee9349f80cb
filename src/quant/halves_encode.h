// f32 to half and bfloat16, to the nearest, ties to even: for translation units of any instruction
// set, like quant/blocks_load.h.
#pragma once

#include <cstdint>

#include "quant/blocks_load.h"

namespace aquilon::quant::blocks {

// Beyond the largest half: infinity. Requires: a number.
static inline std::uint16_t float_to_half(float f) noexcept {
  const std::uint32_t bits = bits_of_float(f);
  const std::uint32_t sign = bits >> 16 & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  const std::uint32_t normal = (magnitude + 0xfffu + (magnitude >> 13 & 1u) - (112u << 23)) >> 13;
  // In units of 2^-24, rounded by adding 1.5 * 2^23.
  const std::uint32_t subnormal =
      bits_of_float(float_of_bits(magnitude < 0x38800000u ? magnitude : 0u) * 0x1p24f + 0x1.8p23f) &
      0x7ffu;
  std::uint32_t half = magnitude < 0x38800000u ? subnormal : normal;
  half = magnitude >= 0x477ff000u ? 0x7c00u : half;
  return static_cast<std::uint16_t>(sign | half);
}

// As above.
static inline std::uint16_t float_to_bfloat(float f) noexcept {
  const std::uint32_t bits = bits_of_float(f);
  return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

static inline bool is_finite_half(std::uint16_t half) noexcept {
  return (half & 0x7c00u) != 0x7c00u;
}

static inline void store_u16(unsigned char* p, std::uint16_t v) noexcept {
  std::memcpy(p, &v, sizeof v);
}

// A scale as it will be read. One that would vanish becomes the smallest half.
static inline float rounded_scale(float d) noexcept {
  const std::uint16_t half = float_to_half(d);
  if ((half & 0x7fffu) == 0 && d != 0) return d > 0 ? 0x1p-24f : -0x1p-24f;
  return half_to_float(half);
}

}  // namespace aquilon::quant::blocks
