#include <algorithm>
#include <cmath>
#include <cstring>

#include "formats/fp8_weights_internal.h"
#include "quant/decode.h"

namespace aquilon::formats {
namespace {

constexpr std::uint64_t kBlock = 128;  // values of tensor::DType::kF8_E4M3_B128

std::uint64_t divided_up(std::uint64_t n, std::uint64_t by) {
  return n / by + (n % by != 0);
}

struct Factors {
  std::vector<float> values;
  Fp8Blocks span;             // of a factor
  std::uint64_t columns = 1;  // factors in a row of them

  float at(std::uint64_t row, std::uint64_t column) const {
    return values[row / span.rows * columns + column / span.columns];
  }
};

Error factor_error(const Fp8Weight& weight, Code code, std::string_view what) {
  return make_error(code, "{}: tensor '{}': {}", weight.path, weight.factors->name, what);
}

// What each factor spans, from the shapes.
Result<Factors> lay_out(const Fp8Weight& weight, std::uint64_t rows, std::uint64_t columns) {
  const std::vector<std::uint64_t>& shape = weight.factors->shape;
  if (std::all_of(shape.begin(), shape.end(), [](std::uint64_t d) { return d == 1; }))
    return Factors{{}, {rows, columns}, 1};
  if (weight.blocks && shape.size() == 2) {
    const Fp8Blocks blocks = *weight.blocks;
    if (shape[0] == divided_up(rows, blocks.rows) &&
        shape[1] == divided_up(columns, blocks.columns))
      return Factors{{}, blocks, shape[1]};
  }
  if (shape[0] == rows && (shape.size() == 1 || (shape.size() == 2 && shape[1] == 1)))
    return Factors{{}, {1, columns}, 1};
  // A configuration may leave the blocks to the shapes (compressed-tensors, and blocks of experts).
  const bool grid = shape.size() == 2 && std::count(shape.begin(), shape.end(), 0) == 0 &&
                    rows % shape[0] == 0 && columns % shape[1] == 0;
  if (grid) return Factors{{}, {rows / shape[0], columns / shape[1]}, shape[1]};
  return factor_error(weight, Code::kCorrupt,
                      fmt::format("shape: factors [{}] fit neither the whole matrix [{}, {}] nor "
                                  "its rows nor equal blocks of it nor those of the configuration",
                                  fmt::join(shape, ", "), rows, columns));
}

// Powers of two in a byte each (OCP MX, E8M0); 255 is no number.
void decode_powers(const SafetensorsTensor& stored, std::vector<float>& values) {
  constexpr int kBias = 127;
  constexpr int kNone = 255;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const int power = std::to_integer<int>(stored.data[i]);
    values[i] = power == kNone ? NAN : std::ldexp(1.0f, power - kBias);
  }
}

Result<Factors> read_factors(const Fp8Weight& weight, std::uint64_t rows, std::uint64_t columns) {
  Factors factors = AQ_TRY(lay_out(weight, rows, columns));
  const SafetensorsTensor& stored = *weight.factors;
  const bool powers = stored.type->name == "F8_E8M0" || stored.type->name == "U8";
  if (!stored.type->dtype && !powers)
    return factor_error(weight, Code::kUnsupported,
                        fmt::format("dtype: factors of {} are not read", stored.type->name));
  factors.values.resize(stored.data.size() * 8 / stored.type->bits);
  if (powers)
    decode_powers(stored, factors.values);
  else
    quant::decode(*stored.type->dtype, stored.data.data(), factors.values.size(),
                  factors.values.data());
  for (const float factor : factors.values)
    if (!std::isfinite(factor))
      return factor_error(weight, Code::kCorrupt, "data: a factor is not finite");
  return factors;
}

// 128 values behind their factor.
void put_block(const std::byte* values, float factor, std::byte* to) {
  std::memcpy(to, &factor, sizeof factor);
  std::memcpy(to + sizeof factor, values, kBlock);
}

void fill_blocks(const SafetensorsTensor& values, const Factors& factors, std::uint64_t rows,
                 std::uint64_t columns, std::byte* to) {
  const std::byte* from = values.data.data();
  for (std::uint64_t row = 0; row < rows; ++row)
    for (std::uint64_t column = 0; column < columns; column += kBlock) {
      put_block(from, factors.at(row, column), to);
      from += kBlock;
      to += kBlock + sizeof(float);
    }
}

void fill_f32(const SafetensorsTensor& values, const Factors& factors, std::uint64_t rows,
              std::uint64_t columns, std::byte* to) {
  auto* out = reinterpret_cast<float*>(to);
  quant::decode(tensor::DType::kF8_E4M3, values.data.data(), rows * columns, out);
  for (std::uint64_t row = 0; row < rows; ++row)
    for (std::uint64_t column = 0; column < columns; ++column) *out++ *= factors.at(row, column);
}

}  // namespace

Status put_fp8(DescriptionBuilder& builder, std::string_view name, const Fp8Weight& weight) {
  const std::vector<std::uint64_t>& shape = weight.values->shape;
  if (shape.size() != 2)
    return make_error(Code::kUnsupported, "{}: tensor '{}': shape: FP8 is read for matrices alone",
                      weight.path, weight.values->name);
  const std::uint64_t rows = shape[0];
  const std::uint64_t columns = shape[1];
  const Factors factors = AQ_TRY(read_factors(weight, rows, columns));
  const bool in_blocks = columns % kBlock == 0 && factors.span.columns % kBlock == 0;
  const auto dtype = in_blocks ? tensor::DType::kF8_E4M3_B128 : tensor::DType::kF32;
  const auto to = AQ_TRY(builder.allocate(name, dtype, {columns, rows}));
  (in_blocks ? fill_blocks : fill_f32)(*weight.values, factors, rows, columns, to.data());
  return {};
}

}  // namespace aquilon::formats
