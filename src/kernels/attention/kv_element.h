// One stored key or value: rounding and reading, the same bits on every instruction set. Plain
// static functions, so that a file of any instruction set may include them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/attention/kv_layout.h"
#include "quant/blocks_decode.h"  // half_to_float_by_bits, bits_of_float

namespace aquilon::kernels {

// Place of element i of a row of groups of 16.
static inline std::size_t kv_place(KvType type, std::size_t i) noexcept {
  if (type != KvType::kBf16) return i;
  return (i & ~std::size_t{15}) | (i & 7) << 1 | (i >> 3 & 1);
}

// To nearest, ties to even; NaN stays NaN.
static inline std::uint16_t to_bf16(float value) noexcept {
  const std::uint32_t bits = quant::blocks::bits_of_float(value);
  const std::uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
  const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
  return static_cast<std::uint16_t>(nan ? bits >> 16 | 0x40u : rounded);
}

// To nearest, ties to even, infinite beyond 65504; NaN stays NaN. The bits of VCVTPS2PH.
static inline std::uint16_t to_f16(float value) noexcept {
  const std::uint32_t bits = quant::blocks::bits_of_float(value);
  const std::uint32_t sign = bits >> 16 & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  std::uint32_t half;
  if (magnitude > 0x7f800000u) {
    half = 0x7e00u | (magnitude >> 13 & 0x1ffu);
  } else if (magnitude >= 0x477ff000u) {  // 65520 and more
    half = 0x7c00u;
  } else if (magnitude >= 0x38800000u) {  // 2^-14 and more
    half = (magnitude - (112u << 23) + 0xfffu + (magnitude >> 13 & 1)) >> 13;
  } else {  // subnormal: adding 0.5 leaves units of 2^-24, rounded, in the low bits
    const float shifted = quant::blocks::float_of_bits(magnitude) + 0.5f;
    half = quant::blocks::bits_of_float(shifted) - 0x3f000000u;
  }
  return static_cast<std::uint16_t>(sign | half);
}

static inline void kv_write(KvType type, std::byte* tile, std::size_t place, float value) noexcept {
  if (type == KvType::kF32) {
    std::memcpy(tile + 4 * place, &value, sizeof value);
    return;
  }
  const std::uint16_t stored = type == KvType::kBf16 ? to_bf16(value) : to_f16(value);
  std::memcpy(tile + 2 * place, &stored, sizeof stored);
}

static inline float kv_read(KvType type, const std::byte* tile, std::size_t place) noexcept {
  if (type == KvType::kF32) {
    float value;
    std::memcpy(&value, tile + 4 * place, sizeof value);
    return value;
  }
  std::uint16_t stored;
  std::memcpy(&stored, tile + 2 * place, sizeof stored);
  return type == KvType::kBf16 ? quant::blocks::bfloat_to_float(stored)
                               : quant::blocks::half_to_float_by_bits(stored);
}

}  // namespace aquilon::kernels
