// Numbers out of stored blocks, for translation units of any instruction set: only C headers and
// static functions, like blocks_decode.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef __F16C__
#include <immintrin.h>
#endif

namespace aquilon::quant::blocks {

static inline std::uint16_t load_u16(const unsigned char* p) noexcept {
  std::uint16_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

static inline std::uint32_t load_u32(const unsigned char* p) noexcept {
  std::uint32_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

static inline float float_of_bits(std::uint32_t bits) noexcept {
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}

static inline std::uint32_t bits_of_float(float f) noexcept {
  std::uint32_t bits;
  std::memcpy(&bits, &f, sizeof bits);
  return bits;
}

// IEEE half to single by integer arithmetic; a signalling NaN becomes quiet, as in the instruction.
// Three cases computed side by side and selected: subnormals are em * 2^-24, exactly.
static inline float half_to_float_by_bits(std::uint16_t half) noexcept {
  const std::uint32_t em = half & 0x7fffu;
  const std::uint32_t normal = (em << 13) + (112u << 23);
  const std::uint32_t special = (em << 13) | 0x7f800000u | (em > 0x7c00u ? 0x400000u : 0u);
  const std::uint32_t subnormal =
      bits_of_float(static_cast<float>(static_cast<std::int32_t>(em)) * 0x1p-24f);
  std::uint32_t bits = em < 0x400u ? subnormal : normal;
  bits = em >= 0x7c00u ? special : bits;
  return float_of_bits(bits | (half & 0x8000u) << 16);
}

static inline float half_to_float(std::uint16_t half) noexcept {
#ifdef __F16C__
  return _cvtsh_ss(half);
#else
  return half_to_float_by_bits(half);
#endif
}

static inline float load_half(const unsigned char* p) noexcept {
  return half_to_float(load_u16(p));
}

static inline float bfloat_to_float(std::uint16_t bits) noexcept {
  return float_of_bits(static_cast<std::uint32_t>(bits) << 16);
}

// 2^(e - 128), the scale of MXFP4: half of E8M0's meaning, since its values are stored doubled.
static inline float half_power(unsigned char e) noexcept {
  return float_of_bits(e < 2 ? 0x200000u << e : (e - 1u) << 23);
}

// A byte of sign, 4 bits of exponent (bias 7) and 3 of fraction; 0x7f and 0xff are no numbers.
static inline float e4m3_to_float(unsigned char b) noexcept {
  const std::uint32_t magnitude = b & 0x7fu;
  // The byte's fields as those of a float, whose exponent has a bias of 127; exact, subnormals too.
  const std::uint32_t bits = bits_of_float(float_of_bits(magnitude << 20) * 0x1p120f);
  return float_of_bits((magnitude == 0x7fu ? 0x7fc00000u : bits) | (b & 0x80u) << 24);
}

}  // namespace aquilon::quant::blocks
