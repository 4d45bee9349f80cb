#include "quant/pack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "quant/random_blocks.h"
#include "tensor/dtype.h"

namespace aquilon::quant {
namespace {

using tensor::DType;

std::vector<DType> packed_types() {
  std::vector<DType> types;
  for (const tensor::DTypeInfo& info : tensor::kDTypes)
    if (packing_of(info.type)) types.push_back(info.type);
  return types;
}

class PackTest : public testing::TestWithParam<DType> {
 protected:
  static std::vector<std::byte> packed(const tensor::MatrixView& matrix) {
    std::vector<std::byte> out(packed_bytes(matrix));
    pack_groups(matrix, 0, (matrix.rows + kGroupRows - 1) / kGroupRows, out.data());
    return out;
  }

  // Into `want`: the group's place for `row`, from a matrix that has this row alone as its first.
  // Lines and headers are arrays over the rows, so that bytes of different rows are never shared.
  static void move_row(const PackingInfo& info, std::size_t columns, std::size_t row,
                       const std::byte* alone, std::byte* want) {
    const auto move = [&](std::size_t at, std::size_t width) {
      std::memcpy(want + at + width * row, alone + at, width);
    };
    for (std::size_t k = 0; k < columns; k += kChunkColumns) {
      const std::size_t tiles = std::min(columns - k, kChunkColumns) / kTileColumns;
      const std::size_t header = header_bytes(info.header, tiles);
      const bool wide = info.header == Header::kSigned || info.header == Header::kSignedHalves;
      const std::size_t shared = header_tile(info.header, 0);  // before the tiles' own scales
      if (shared > 0) move(0, wide ? 4 : 2);
      if (shared > 0 && !wide) move(32, 2);
      for (std::size_t t = 0; t < tiles; ++t) {
        const std::size_t at = header_tile(info.header, t);
        const std::size_t size = header_tile(info.header, t + 1) - at;
        const std::size_t width = size == 16 || info.header == Header::kNested ? 1 : 2;
        for (std::size_t i = 0; i < size; i += 16 * width) move(at + i, width);
      }
      const std::size_t lines = tiles * tile_bytes(info.bits) / 64;
      for (std::size_t line = 0; line < lines; ++line) move(header + 64 * line, 4);
      want += header + 64 * lines;
      alone += header + 64 * lines;
    }
  }
};

// Rows are packed four at a time where there are four: nothing may depend on it. Blocks lie at odd
// addresses, and what lies behind the last is not touched.
TEST_P(PackTest, FourRowsAtATimeEqualEachRowAlone) {
  const std::size_t block = tensor::dtype_info(GetParam()).block_size;
  const Packing packing = *packing_of(GetParam());
  for (const std::size_t columns : {block, 256 / block * block * 2 + block})
    for (const std::size_t rows : {1u, 3u, 4u, 6u, 15u, 16u, 21u}) {
      const std::size_t row_bytes = tensor::row_bytes(GetParam(), columns);
      const std::vector<std::byte> blocks = random_blocks(GetParam(), rows * columns, rows);
      std::vector<std::byte> odd(blocks.size() + 1);
      std::copy(blocks.begin(), blocks.end(), odd.begin() + 1);
      const std::vector<std::byte> got = packed({odd.data() + 1, GetParam(), rows, columns});
      std::vector<std::byte> want(got.size());
      for (std::size_t row = 0; row < rows; ++row) {
        const std::vector<std::byte> one(
            blocks.begin() + static_cast<std::ptrdiff_t>(row * row_bytes),
            blocks.begin() + static_cast<std::ptrdiff_t>((row + 1) * row_bytes));
        move_row(packing_info(packing), columns, row % kGroupRows,
                 packed({one.data(), GetParam(), 1, columns}).data(),
                 want.data() + row / kGroupRows * group_bytes(packing, columns));
      }
      ASSERT_EQ(got, want) << rows << " rows of " << columns;
    }
}

// Threads pack pieces of a matrix.
TEST_P(PackTest, PiecesEqualTheWhole) {
  const std::size_t columns = 2 * tensor::dtype_info(GetParam()).block_size;
  const std::vector<std::byte> blocks = random_blocks(GetParam(), 50 * columns, 7);
  const tensor::MatrixView matrix{blocks.data(), GetParam(), 50, columns};
  std::vector<std::byte> pieces(packed_bytes(matrix));
  pack_groups(matrix, 2, 4, pieces.data());
  pack_groups(matrix, 0, 1, pieces.data());
  pack_groups(matrix, 1, 2, pieces.data());
  EXPECT_EQ(pieces, packed(matrix));
}

INSTANTIATE_TEST_SUITE_P(Types, PackTest, testing::ValuesIn(packed_types()), [](const auto& type) {
  return std::string(tensor::dtype_info(type.param).name);
});

}  // namespace
}  // namespace aquilon::quant
