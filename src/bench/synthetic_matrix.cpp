#include "bench/synthetic_matrix.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/checked_math.h"
#include "quant/random_blocks.h"

namespace aquilon::bench {
namespace {

constexpr std::size_t kStripRows = 16 * quant::kGroupRows;  // made and packed; then repeated

}  // namespace

std::vector<tensor::DType> packed_types() {
  std::vector<tensor::DType> types;
  for (const tensor::DTypeInfo& info : tensor::kDTypes)
    if (quant::packing_of(info.type) ||
        quant::float_packing_of({nullptr, info.type, 1, quant::kFloatColumns}))
      types.push_back(info.type);
  return types;
}

Result<SyntheticMatrices> SyntheticMatrices::create(tensor::DType type, std::size_t rows,
                                                    std::size_t columns, std::size_t count) {
  const std::size_t strip_rows = std::min(rows, kStripRows);
  const std::vector<std::byte> blocks =
      quant::random_blocks(type, strip_rows * columns, rows + columns);
  const tensor::MatrixView strip{blocks.data(), type, strip_rows, columns};
  const auto floats = quant::float_packing_of(strip);
  const std::size_t group = floats ? quant::float_group_bytes(columns)
                                   : quant::group_bytes(*quant::packing_of(type), columns);
  const std::size_t strip_groups = (strip_rows + quant::kGroupRows - 1) / quant::kGroupRows;
  const std::size_t groups = (rows + quant::kGroupRows - 1) / quant::kGroupRows;
  const CheckedSize bytes = CheckedSize(groups) * group * count;
  if (!bytes.at_most(std::size_t{1} << 40))
    return make_error(Code::kOutOfMemory, "{} matrices of {} x {} are too large", count, rows,
                      columns);
  SyntheticMatrices out;
  out.buffer_ = AQ_TRY(tensor::HugeBuffer::create(*bytes.value()));
  (floats ? quant::pack_float_groups : quant::pack_groups)(strip, 0, strip_groups,
                                                           out.buffer_.data());
  for (std::size_t g = strip_groups; g < groups * count; ++g)
    std::memcpy(out.buffer_.data() + g * group, out.buffer_.data() + g % strip_groups * group,
                group);
  out.count_ = count;
  for (std::size_t i = 0; i < count; ++i) {
    const std::byte* const at = out.buffer_.data() + i * groups * group;
    if (floats)
      out.floats_.push_back({at, *floats, rows, columns});
    else
      out.matrices_.push_back({at, *quant::packing_of(type), rows, columns});
  }
  return out;
}

}  // namespace aquilon::bench
