// Blocks of 256 values whose weights are small whole numbers times scales, taken apart: what the
// decoder (blocks_decode.h) and the packer (pack.cpp) both start from. Only C headers and static
// functions, for translation units of any instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "quant/blocks_load.h"
#include "quant/value_tables.h"

namespace aquilon::quant::blocks {

#include "quant/iq_grids.inc"

// w = unit d s v - dmin m, with v of the type's table or code - zero, and one s and m for 16
// values.
struct Codes {
  unsigned char code[256];
  signed char scale[16];
  unsigned char min[16];
  std::uint16_t d, dmin;  // f16
};

static inline float value_of(Table table, int code) noexcept {
  const ValueTable& t = value_table(table);
  return static_cast<float>(t.values[code] - t.zero);
}

// The scale of 16 NVFP4 values as it is stored and packed, and its 256th part as a number: the
// byte's fields are those of a half, whose exponent has a bias of 15 and not 7.
static inline unsigned char small_scale(unsigned char stored) noexcept {
  return stored == 0x7f ? 0 : stored & 0x7f;
}
static inline float small_float(unsigned char packed) noexcept {
  return half_to_float(static_cast<std::uint16_t>(packed << 7 & 0x3f80));
}

// 64 bytes of pairs of bits: each half of 128 values takes 32 bytes, whose bits 0, 2, 4 and 6 begin
// the values j, j + 32, j + 64 and j + 96.
static inline void read_pairs(const unsigned char* x, unsigned char* code) noexcept {
  for (int g = 0; g < 8; ++g)
    for (int j = 0; j < 32; ++j) code[32 * g + j] = x[32 * (g >> 2) + j] >> 2 * (g & 3) & 3;
}

// 84 bytes: 16 of a scale (low nibble) and a minimum (high) for 16 values each, 64 of pairs, d,
// dmin.
static inline void read_codes_q2_k(const unsigned char* x, Codes& c) noexcept {
  for (int g = 0; g < 16; ++g) {
    c.scale[g] = static_cast<signed char>(x[g] & 15);
    c.min[g] = x[g] >> 4;
  }
  read_pairs(x + 16, c.code);
  c.d = load_u16(x + 80);
  c.dmin = load_u16(x + 82);
}

// 110 bytes: 32 of third bits (bit g of byte j belongs to value 32 g + j), 64 of pairs, 12 of
// scales, d. Scales have 6 bits, less 32: the low four are the nibbles of the first 8 bytes (low
// nibbles first), the high two the pairs of the last 4 (bits 0 of all four first).
static inline void read_codes_q3_k(const unsigned char* x, Codes& c) noexcept {
  read_pairs(x + 32, c.code);
  for (int g = 0; g < 8; ++g)
    for (int j = 0; j < 32; ++j) {
      unsigned char& code = c.code[32 * g + j];
      code = static_cast<unsigned char>(code | (x[j] >> g & 1) << 2);
    }
  const unsigned char* s = x + 96;
  for (int g = 0; g < 16; ++g) {
    const int low = s[g & 7] >> 4 * (g >> 3) & 15, high = s[8 + (g & 3)] >> 2 * (g >> 2) & 3;
    c.scale[g] = static_cast<signed char>((low | high << 4) - 32);
  }
  c.d = load_u16(x + 108);
}

// 66 bytes: 64 of pairs, d.
static inline void read_codes_tq2_0(const unsigned char* x, Codes& c) noexcept {
  read_pairs(x, c.code);
  std::memset(c.scale, 1, sizeof c.scale);
  c.d = load_u16(x + 64);
}

// `count` bytes of `digits` ternary digits each, as fractions of 256: digit i of byte j is code
// count i + j.
static inline void read_ternary(const unsigned char* x, int count, int digits,
                                unsigned char* code) noexcept {
  unsigned power = 1;
  for (int i = 0; i < digits; ++i, power *= 3)
    for (int j = 0; j < count; ++j)
      code[count * i + j] = static_cast<unsigned char>((x[j] * power & 255u) * 3 >> 8);
}

// 54 bytes: 32 of five ternary digits, 16 of five, 4 of four, d.
static inline void read_codes_tq1_0(const unsigned char* x, Codes& c) noexcept {
  read_ternary(x, 32, 5, c.code);
  read_ternary(x + 32, 16, 5, c.code + 160);
  read_ternary(x + 48, 4, 4, c.code + 240);
  std::memset(c.scale, 1, sizeof c.scale);
  c.d = load_u16(x + 52);
}

// 136 bytes: d, 2 of the scales' high pairs, 4 of their low nibbles, 128 of nibbles: 16 bytes for
// each 32 values, byte j holds values j and j + 16. Scales have 6 bits, less 32.
static inline void read_codes_iq4_xs(const unsigned char* x, Codes& c) noexcept {
  c.d = load_u16(x);
  const unsigned high = load_u16(x + 2);
  for (int g = 0; g < 8; ++g) {
    const int low = x[4 + g / 2] >> 4 * (g & 1) & 15;
    const auto scale =
        static_cast<signed char>((low | static_cast<int>(high >> 2 * g & 3) << 4) - 32);
    c.scale[2 * g] = c.scale[2 * g + 1] = scale;
    const unsigned char* q = x + 8 + 16 * g;
    for (int j = 0; j < 16; ++j) c.code[32 * g + j] = q[j] & 15;
    for (int j = 0; j < 16; ++j) c.code[32 * g + j + 16] = q[j] >> 4;
  }
}

// Seven signs of eight values: the number of minus signs is even.
static inline unsigned eighth_sign(std::uint32_t seven) noexcept {
  seven &= 127u;
  return seven | static_cast<unsigned>(__builtin_parity(seven)) << 7;
}

// Scales are odd numbers.
static inline signed char odd(std::uint32_t nibble) noexcept {
  return static_cast<signed char>(2 * (nibble & 15u) + 1);
}

// Eight values of a grid of pairs, with a third bit each: signs.
static inline void put_eight(std::uint16_t grid, unsigned signs, unsigned char* code) noexcept {
  for (int j = 0; j < 8; ++j)
    code[j] = static_cast<unsigned char>((grid >> 2 * j & 3) | (signs >> j & 1u) << 2);
}
// Eight values of two entries of a grid of nibbles, with a fourth bit each: signs.
static inline void put_two_fours(std::uint16_t first, std::uint16_t second, unsigned signs,
                                 unsigned char* code) noexcept {
  const std::uint32_t grid = first | static_cast<std::uint32_t>(second) << 16;
  for (int j = 0; j < 8; ++j)
    code[j] = static_cast<unsigned char>((grid >> 4 * j & 7u) | (signs >> j & 1u) << 3);
}

// 66 bytes: d, then 8 for each 32 values: 4 places in the grid of eights, and a word of 4 x 7 signs
// and the scale.
static inline void read_codes_iq2_xxs(const unsigned char* x, Codes& c) noexcept {
  c.d = load_u16(x);
  x += 2;
  for (int g = 0; g < 8; ++g, x += 8) {
    const std::uint32_t word = load_u32(x + 4);
    c.scale[2 * g] = c.scale[2 * g + 1] = odd(word >> 28);
    for (int l = 0; l < 4; ++l)
      put_eight(kIq2XxsGrid[x[l]], eighth_sign(word >> 7 * l), c.code + 32 * g + 8 * l);
  }
}

// 74 bytes: d, 32 words of 9 bits of place and 7 of signs, 8 bytes of scales for 16 values.
static inline void read_codes_iq2_xs(const unsigned char* x, Codes& c) noexcept {
  c.d = load_u16(x);
  for (int i = 0; i < 32; ++i) {
    const std::uint32_t word = load_u16(x + 2 + 2 * i);
    put_eight(kIq2XsGrid[word & 511u], eighth_sign(word >> 9), c.code + 8 * i);
  }
  for (int g = 0; g < 16; ++g) c.scale[g] = odd(x[66 + g / 2] >> 4 * (g & 1));
}

// 82 bytes: d, 32 of places, 32 of signs, 8 of the places' upper pairs, 8 of scales for 16 values.
static inline void read_codes_iq2_s(const unsigned char* x, Codes& c) noexcept {
  c.d = load_u16(x);
  for (int i = 0; i < 32; ++i) {
    const int place = x[2 + i] | (x[66 + i / 4] >> 2 * (i & 3) & 3) << 8;
    put_eight(kIq2SGrid[place], x[34 + i], c.code + 8 * i);
  }
  for (int g = 0; g < 16; ++g) c.scale[g] = odd(x[74 + g / 2] >> 4 * (g & 1));
}

// 98 bytes: d, 64 of places in the grid of fours, 8 words of 4 x 7 signs and a scale for 32 values.
static inline void read_codes_iq3_xxs(const unsigned char* x, Codes& c) noexcept {
  c.d = load_u16(x);
  for (int g = 0; g < 8; ++g) {
    const std::uint32_t word = load_u32(x + 66 + 4 * g);
    c.scale[2 * g] = c.scale[2 * g + 1] = odd(word >> 28);
    for (int l = 0; l < 4; ++l) {
      const unsigned char* place = x + 2 + 8 * g + 2 * l;
      put_two_fours(kIq3XxsGrid[place[0]], kIq3XxsGrid[place[1]], eighth_sign(word >> 7 * l),
                    c.code + 32 * g + 8 * l);
    }
  }
}

// 110 bytes: d, 64 of places, 8 of their ninth bits, 32 of signs, 4 of scales for 32 values.
static inline void read_codes_iq3_s(const unsigned char* x, Codes& c) noexcept {
  c.d = load_u16(x);
  for (int i = 0; i < 32; ++i) {
    const int high = x[66 + i / 4] >> 2 * (i & 3);
    const int first = x[2 + 2 * i] | (high & 1) << 8, second = x[3 + 2 * i] | (high & 2) << 7;
    put_two_fours(kIq3SGrid[first], kIq3SGrid[second], x[74 + i], c.code + 8 * i);
  }
  for (int g = 0; g < 16; ++g) c.scale[g] = odd(x[106 + g / 4] >> 4 * (g / 2 & 1));
}

// 50 bytes: d, 32 of places, 8 words for 32 values each: 4 x 3 upper bits of places, 3 bits of
// scale, the sign of the eighth.
static inline void read_codes_iq1_s(const unsigned char* x, Codes& c) noexcept {
  c.d = load_u16(x);
  for (int g = 0; g < 8; ++g) {
    const std::uint32_t word = load_u16(x + 34 + 2 * g);
    c.scale[2 * g] = c.scale[2 * g + 1] = odd(word >> 12 & 7u);
    for (int l = 0; l < 4; ++l)
      put_eight(kIq1Grid[x[2 + 4 * g + l] | (word >> 3 * l & 7u) << 8], word >> 15 != 0 ? 255u : 0u,
                c.code + 32 * g + 8 * l);
  }
}

// 56 bytes: 32 of places, 16 of nibbles for 8 values each (3 upper bits of the place, the sign of
// the eighth), 4 words of 4 x 3 bits of scales for 16 values; their top nibbles are d.
static inline void read_codes_iq1_m(const unsigned char* x, Codes& c) noexcept {
  std::uint32_t d = 0;
  for (int i = 0; i < 4; ++i) {
    const std::uint32_t word = load_u16(x + 48 + 2 * i);
    d |= word >> 12 << 4 * i;
    for (int j = 0; j < 4; ++j) c.scale[4 * i + j] = odd(word >> 3 * j & 7u);
  }
  c.d = static_cast<std::uint16_t>(d);
  for (int i = 0; i < 32; ++i) {
    const int nibble = x[32 + i / 2] >> 4 * (i & 1);
    put_eight(kIq1Grid[x[i] | (nibble & 7) << 8], (nibble & 8) != 0 ? 255u : 0u, c.code + 8 * i);
  }
}

using ReadCodes = void(const unsigned char* block, Codes& codes) noexcept;

struct CodedType {
  std::uint32_t type;  // tensor::DType
  int block_bytes;
  ReadCodes* read;
  Table table;
  int zero;  // without a table: v = code - zero
  float unit;
  bool has_min;
};

static constexpr CodedType kCodedTypes[] = {
    {10, 84, read_codes_q2_k, Table::kNone, 0, 1, true},
    {11, 110, read_codes_q3_k, Table::kNone, 4, 1, false},
    {16, 66, read_codes_iq2_xxs, Table::kIQ2, 0, 0.125f, false},
    {17, 74, read_codes_iq2_xs, Table::kIQ2, 0, 0.125f, false},
    {18, 98, read_codes_iq3_xxs, Table::kIQ3_XXS, 0, 0.5f, false},
    {19, 50, read_codes_iq1_s, Table::kIQ1, 0, 0.125f, false},
    {21, 110, read_codes_iq3_s, Table::kIQ3_S, 0, 1, false},
    {22, 82, read_codes_iq2_s, Table::kIQ2, 0, 0.125f, false},
    {23, 136, read_codes_iq4_xs, Table::kIQ4, 0, 1, false},
    {29, 56, read_codes_iq1_m, Table::kIQ1, 0, 0.125f, false},
    {34, 54, read_codes_tq1_0, Table::kNone, 1, 1, false},
    {35, 66, read_codes_tq2_0, Table::kNone, 1, 1, false},
};

// Null for a type that is not one of these.
static inline const CodedType* find_coded_type(std::uint32_t type) noexcept {
  for (const CodedType& coded : kCodedTypes)
    if (coded.type == type) return &coded;
  return nullptr;
}

}  // namespace aquilon::quant::blocks
