#include "bench/synthetic_matrix.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "base/check.h"
#include "base/checked_math.h"

namespace aquilon::bench {
namespace {

constexpr std::size_t kStripRows = 16 * quant::kGroupRows;  // made and packed; then repeated

// Where a block holds f16 scales.
struct ScalePlaces {
  std::size_t first;
  std::size_t count;  // one after the other
};

ScalePlaces scale_places(tensor::DType type) {
  using tensor::DType;
  switch (type) {
    case DType::kQ4_1:
    case DType::kQ5_1:
    case DType::kQ4_K:
    case DType::kQ5_K:
      return {0, 2};
    case DType::kQ6_K:
      return {208, 1};
    default:
      return {0, 1};
  }
}

}  // namespace

std::vector<tensor::DType> packed_types() {
  std::vector<tensor::DType> types;
  for (const tensor::DTypeInfo& info : tensor::kDTypes)
    if (quant::packing_of(info.type)) types.push_back(info.type);
  return types;
}

std::vector<std::byte> random_blocks(tensor::DType type, std::size_t values, std::uint64_t seed) {
  const tensor::DTypeInfo& info = tensor::dtype_info(type);
  AQ_CHECK(quant::packing_of(type).has_value() && values % info.block_size == 0);
  std::mt19937_64 random(seed);
  std::vector<std::byte> bytes(values / info.block_size * info.block_bytes);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  const ScalePlaces places = scale_places(type);
  for (std::size_t block = 0; block < bytes.size(); block += info.block_bytes)
    for (std::size_t i = 0; i < places.count; ++i) {
      // f16 from 2^-10 to nearly 2^-8
      const auto scale = static_cast<std::uint16_t>(0x1400 + random() % 0x0800);
      std::memcpy(&bytes[block + places.first + 2 * i], &scale, sizeof scale);
    }
  return bytes;
}

Result<SyntheticMatrices> SyntheticMatrices::create(tensor::DType type, std::size_t rows,
                                                    std::size_t columns, std::size_t count) {
  const std::size_t strip_rows = std::min(rows, kStripRows);
  const std::vector<std::byte> blocks = random_blocks(type, strip_rows * columns, rows + columns);
  const tensor::MatrixView strip{blocks.data(), type, strip_rows, columns};
  const quant::Packing packing = *quant::packing_of(type);
  const std::size_t group = quant::group_bytes(packing, columns);
  const std::size_t strip_groups = (strip_rows + quant::kGroupRows - 1) / quant::kGroupRows;
  const std::size_t groups = (rows + quant::kGroupRows - 1) / quant::kGroupRows;
  const CheckedSize bytes = CheckedSize(groups) * group * count;
  if (!bytes.at_most(std::size_t{1} << 40))
    return make_error(Code::kOutOfMemory, "{} matrices of {} x {} are too large", count, rows,
                      columns);
  SyntheticMatrices out;
  out.buffer_ = AQ_TRY(tensor::HugeBuffer::create(*bytes.value()));
  quant::pack_groups(strip, 0, strip_groups, out.buffer_.data());
  for (std::size_t g = strip_groups; g < groups * count; ++g)
    std::memcpy(out.buffer_.data() + g * group, out.buffer_.data() + g % strip_groups * group,
                group);
  for (std::size_t i = 0; i < count; ++i)
    out.matrices_.push_back({.data = out.buffer_.data() + i * groups * group,
                             .packing = packing,
                             .rows = rows,
                             .columns = columns});
  return out;
}

}  // namespace aquilon::bench
