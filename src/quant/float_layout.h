// The interleaved layout of matrices of 16-bit floats, read by the packer and by the kernels of
// every instruction set: only C headers and static functions here.
//
// Rows go in groups of 16, padded with zeros. A group is a line of 64 bytes for each two columns:
//   BF16  word r: row r's values of both columns, the first in the low half
//   F16   16 values of the first column, then 16 of the second
// The same size as stored, but one stream of memory with 16 rows of a column side by side.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aquilon::quant {

enum class FloatPacking : std::uint8_t { kBF16, kF16 };

static constexpr std::size_t kFloatRows = 16;     // of a group
static constexpr std::size_t kFloatLine = 64;     // bytes of two columns of a group
static constexpr std::size_t kFloatColumns = 32;  // the number of columns is a multiple

static constexpr std::size_t float_group_bytes(std::size_t columns) {
  return columns / 2 * kFloatLine;
}

}  // namespace aquilon::quant
