// What the codes of non-linear block types stand for. Only C headers and static functions, for
// translation units of any instruction set.
#pragma once

#include <cstdint>

namespace aquilon::quant {

enum class Table : std::uint8_t { kNone, kIQ4, kIQ3_S, kIQ3_XXS, kIQ2, kIQ1, kE2M1 };

// A code's weight is values[code] - zero, in units of the type's scale: unsigned numbers, since the
// products' first factor is unsigned. Codes of 3 bits are the first eight.
struct ValueTable {
  int width;  // bits of the largest value
  int zero;
  unsigned char values[16];
};

static constexpr ValueTable kValueTables[] = {
    {0, 0, {}},
    // -127 -104 -83 -65 -49 -35 -22 -10 1 13 25 38 53 69 89 113
    {8, 128, {1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241}},
    // 1 3 5 7 9 11 13 15, then the same below zero: bit 3 is the sign.
    {5, 16, {17, 19, 21, 23, 25, 27, 29, 31, 15, 13, 11, 9, 7, 5, 3, 1}},
    // Halves of 4 12 20 28 36 44 52 62, likewise.
    {6, 32, {34, 38, 42, 46, 50, 54, 58, 63, 30, 26, 22, 18, 14, 10, 6, 1}},
    // 8 25 43 and a place that is not used; bit 2 is the sign.
    {7, 64, {72, 89, 107, 64, 56, 39, 21, 64}},
    // Eightfold -1, 0 and 1, each plus an eighth, then minus an eighth: bit 2 is that one's sign.
    {5, 16, {9, 17, 25, 16, 7, 15, 23, 16}},
    // Doubled E2M1 numbers: 0 1 2 3 4 6 8 12, bit 3 is the sign.
    {5, 16, {16, 17, 18, 19, 20, 22, 24, 28, 16, 15, 14, 13, 12, 10, 8, 4}},
};

static constexpr const ValueTable& value_table(Table table) {
  return kValueTables[static_cast<int>(table)];
}

}  // namespace aquilon::quant
