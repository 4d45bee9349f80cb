#include "quant/pack_floats.h"

#include <algorithm>
#include <cstring>

namespace aquilon::quant {
namespace {

// Four words as every processor has them in one register.
using Words = std::uint32_t __attribute__((vector_size(16)));

Words load(const std::byte* p) {
  Words w;
  std::memcpy(&w, p, sizeof w);
  return w;
}

// Word i of row r becomes word r of vector i.
void transpose(Words (&w)[4]) {
  const Words a = __builtin_shufflevector(w[0], w[1], 0, 4, 1, 5);
  const Words b = __builtin_shufflevector(w[2], w[3], 0, 4, 1, 5);
  const Words c = __builtin_shufflevector(w[0], w[1], 2, 6, 3, 7);
  const Words d = __builtin_shufflevector(w[2], w[3], 2, 6, 3, 7);
  w[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
  w[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
  w[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
  w[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

// The words of a line: pairs of columns of 16 rows; in F16 the columns follow each other instead.
void put_line(FloatPacking packing, const std::uint32_t (&words)[kFloatRows], std::byte* line) {
  if (packing == FloatPacking::kBF16) {
    std::memcpy(line, words, sizeof words);
    return;
  }
  std::uint16_t halves[2 * kFloatRows];
  for (std::size_t r = 0; r < kFloatRows; ++r) {
    halves[r] = static_cast<std::uint16_t>(words[r]);
    halves[kFloatRows + r] = static_cast<std::uint16_t>(words[r] >> 16);
  }
  std::memcpy(line, halves, sizeof halves);
}

}  // namespace

std::optional<FloatPacking> float_packing_of(const tensor::MatrixView& matrix) {
  if (matrix.columns == 0 || matrix.columns % kFloatColumns != 0) return std::nullopt;
  if (matrix.dtype == tensor::DType::kBF16) return FloatPacking::kBF16;
  if (matrix.dtype == tensor::DType::kF16) return FloatPacking::kF16;
  return std::nullopt;
}

void pack_float_groups(const tensor::MatrixView& matrix, std::size_t begin, std::size_t end,
                       std::byte* out) noexcept {
  constexpr std::size_t kWords = 4;  // pairs of columns taken at a time
  const FloatPacking packing = *float_packing_of(matrix);
  const std::size_t stride = matrix.row_stride();
  std::byte* line = out + begin * float_group_bytes(matrix.columns);
  for (std::size_t row = begin * kFloatRows; row < end * kFloatRows; row += kFloatRows) {
    const std::size_t rows = std::min(kFloatRows, matrix.rows - row);
    const std::byte* from = matrix.row(row);
    for (std::size_t k = 0; k < matrix.columns; k += 2 * kWords) {
      std::uint32_t words[kWords][kFloatRows] = {};
      for (std::size_t r = 0; r < rows; r += 4) {
        Words w[4] = {};
        for (std::size_t i = 0; i < std::min<std::size_t>(4, rows - r); ++i)
          w[i] = load(from + (r + i) * stride + 2 * k);
        transpose(w);
        for (std::size_t j = 0; j < kWords; ++j) std::memcpy(&words[j][r], &w[j], sizeof w[j]);
      }
      for (std::size_t j = 0; j < kWords; ++j, line += kFloatLine)
        put_line(packing, words[j], line);
    }
  }
}

}  // namespace aquilon::quant
