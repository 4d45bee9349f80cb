#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "convert/row_encoder_internal.h"
#include "kernels/encode/encode.h"
#include "quant/decode.h"

namespace aquilon::convert {
namespace {

constexpr std::uint64_t kTaskValues = 1 << 16;
constexpr float kMostWeight = 9;  // of a value: beyond three deviations all count alike

bool are_finite(std::span<const float> values) {
  std::uint32_t most = 0;
  for (const float v : values) most = std::max(most, std::bit_cast<std::uint32_t>(v) & 0x7fffffffu);
  return most < 0x7f800000u;
}

bool has_offset(tensor::DType type) {
  return type == tensor::DType::kQ4_1 || type == tensor::DType::kQ5_1 ||
         type == tensor::DType::kQ4_K || type == tensor::DType::kQ5_K;
}

// How much the error of each value counts, about 1 on average: large values more, since scales that
// cut them off err to one side, and products add that up. For types with an offset less so, and
// where a matrix weighs the columns, which knows more; 8 bits cut nothing off.
void weigh(std::span<const float> values, tensor::DType type, bool weighed,
           std::span<float> importance) {
  if (type == tensor::DType::kQ8_0) {
    std::fill(importance.begin(), importance.end(), 1.0f);
    return;
  }
  double squares = 0;
  for (const float v : values) squares += static_cast<double>(v) * static_cast<double>(v);
  const double mean = squares / static_cast<double>(values.size());
  const float inverse = mean > 1e-30 && mean < 1e30 ? static_cast<float>(1 / mean) : 0.0f;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float weight = 1 + std::min(kMostWeight, values[i] * values[i] * inverse);
    importance[i] = has_offset(type) ? std::sqrt(weight)
                    : weighed        ? std::cbrt(weight * weight)
                                     : weight;
  }
}

}  // namespace

Status RowEncoder::run(std::uint64_t first, std::uint64_t n, std::span<std::byte> out,
                       TensorReport& report) {
  const std::uint64_t task_rows =
      std::max<std::uint64_t>(1, kTaskValues / std::max<std::uint64_t>(1, tensor_.columns()));
  const std::size_t stride = tensor::row_bytes(to_, tensor_.columns());
  parts_.assign((n + task_rows - 1) / task_rows, {});
  pool_.run(parts_.size(), [&](std::size_t task) {
    const std::uint64_t begin = task * task_rows;
    const std::uint64_t end = std::min(n, begin + task_rows);
    encode_rows(first + begin, first + end, out.data() + begin * stride, parts_[task]);
  });
  for (const Part& part : parts_) {
    if (part.problem != Problem::kNone) return describe(part);
    report.squared_error += part.squared_error;
    report.squared_values += part.squared_values;
  }
  return {};
}

void RowEncoder::encode_rows(std::uint64_t first, std::uint64_t end, std::byte* out,
                             Part& part) const {
  const std::uint64_t columns = tensor_.columns();
  const std::size_t stride = tensor::row_bytes(to_, columns);
  std::vector<float> values(columns), decoded(columns), importance(columns);
  for (std::uint64_t row = first; row < end; ++row, out += stride) {
    const StoredRow from = tensor_.row(row);
    quant::decode(from.dtype, from.data, columns, values.data());
    weigh(values, to_, !weights_.empty(), importance);
    if (!weights_.empty()) {
      const float* given = &weights_[row / tensor_.matrix_rows() * columns];
      for (std::uint64_t i = 0; i < columns; ++i) importance[i] *= given[i];
    }
    if (!are_finite(values))
      part.problem = Problem::kNoNumber;
    else if (!kernels::encode(to_, values.data(), importance.data(), columns, out))
      part.problem = Problem::kTooLarge;
    if (part.problem != Problem::kNone) {
      part.row = row;
      return;
    }
    quant::decode(to_, out, columns, decoded.data());
    for (std::uint64_t i = 0; i < columns; ++i) {
      const double off = static_cast<double>(decoded[i]) - static_cast<double>(values[i]);
      part.squared_error += off * off;
      part.squared_values += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    }
  }
}

Error RowEncoder::describe(const Part& part) const {
  if (part.problem == Problem::kNoNumber)
    return make_error(Code::kCorrupt, "tensor '{}': row {} has a value that is no number",
                      tensor_.name, part.row);
  return make_error(Code::kUnsupported,
                    "tensor '{}': row {} has values that are too large for {}; BF16 holds them",
                    tensor_.name, part.row, tensor::dtype_info(to_).name);
}

}  // namespace aquilon::convert
