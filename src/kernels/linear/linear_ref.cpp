// The packed product in plain loops: what every instruction set must reproduce bit for bit.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/linear/linear_impl_internal.h"
#include "quant/blocks_codes.h"

namespace aquilon::kernels {
namespace {

using quant::Header;
using quant::kChunkColumns;
using quant::kGroupRows;
using quant::kTileColumns;
using quant::PackingInfo;
using quant::blocks::half_power;
using quant::blocks::load_half;
using quant::blocks::small_float;

// One token's share of an activation tile's block.
struct Activation {
  signed char q[kTileColumns];
  float d;
  std::int32_t sum;
  float d_sum;
  std::int32_t half_sum[2];
};

Activation read_activation(const unsigned char* block, std::size_t tokens, std::size_t t) {
  Activation a;
  const unsigned char* p = block + tokens * kTileColumns;
  std::memcpy(a.q, block + t * kTileColumns, sizeof a.q);
  std::memcpy(&a.d, p + 4 * t, 4);
  std::memcpy(&a.sum, p + 4 * (tokens + t), 4);
  std::memcpy(&a.d_sum, p + 4 * (2 * tokens + t), 4);
  std::int16_t halves[2];
  std::memcpy(halves, p + 4 * (3 * tokens + t), 4);
  a.half_sum[0] = halves[0];
  a.half_sum[1] = halves[1];
  return a;
}

int read_code(int bits, const unsigned char* tile, std::size_t row, std::size_t column) {
  const std::size_t g = column / 4;
  const unsigned char* at = tile + 4 * row + column % 4;
  if (bits == 8) return at[64 * g];
  if (bits < 4) {
    const int low = at[64 * (g / 4)] >> (g % 4 * 2) & 3;
    return bits == 3 ? low | (at[128] >> g & 1) << 2 : low;
  }
  int code = at[64 * (g / 2)] >> (g % 2 * 4) & 15;
  if (bits == 5) code |= (at[256] >> g & 1) << 4;
  if (bits == 6) code |= (at[256 + 64 * (g / 4)] >> (g % 4 * 2) & 3) << 4;
  return code;
}

// Sums of (q_w - zero) q_x over both halves of a tile.
void dot(const PackingInfo& info, const unsigned char* tile, std::size_t row, const Activation& a,
         std::int32_t (&sum)[2]) {
  for (std::size_t h = 0; h < 2; ++h) sum[h] = -info.zero * a.half_sum[h];
  for (std::size_t k = 0; k < kTileColumns; ++k) {
    const int code = read_code(info.bits, tile, row, k);
    const int q =
        info.table == quant::Table::kNone ? code : quant::value_table(info.table).values[code];
    sum[k / 16] += q * a.q[k];
  }
}

// f plus the share of a tile whose halves have scales of their own.
float add_halves(Header header, const unsigned char* chunk, const unsigned char* own,
                 std::size_t row, const std::int32_t (&sum)[2], const Activation& a, float f) {
  const unsigned char* byte = own + 2 * row;
  if (header == Header::kSmallFloats) {
    const float first = static_cast<float>(sum[0]) * small_float(byte[0]);
    const float both = std::fma(static_cast<float>(sum[1]), small_float(byte[1]), first);
    return std::fma(both, 128.0f * a.d, f);
  }
  std::int32_t scaled = 0, min = 0;
  for (std::size_t h = 0; h < 2; ++h) {
    const bool nibbles = header == Header::kHalvesMin;
    scaled += (nibbles ? byte[h] & 15 : static_cast<signed char>(byte[h])) * sum[h];
    min += (byte[h] >> 4) * a.half_sum[h];
  }
  float d;
  std::memcpy(&d, chunk + 4 * row, sizeof d);
  if (header != Header::kSignedHalves) d = load_half(chunk + 2 * row);
  if (header != Header::kHalvesMin) return std::fma(static_cast<float>(scaled), d * a.d, f);
  const float dmin = load_half(chunk + 32 + 2 * row);
  return std::fma(std::fma(-static_cast<float>(min), dmin, static_cast<float>(scaled) * d), a.d, f);
}

// f plus the share of one tile. `chunk`: the chunk's header; `own`: the tile's part of it.
float add_tile(Header header, const unsigned char* chunk, const unsigned char* own, std::size_t row,
               const std::int32_t (&sum)[2], const Activation& a, float f) {
  if (quant::in_halves(header)) return add_halves(header, chunk, own, row, sum, a, f);
  const auto exact = static_cast<float>(sum[0] + sum[1]);
  switch (header) {
    case Header::kScaleMin:
      f = std::fma(exact, load_half(own + 2 * row) * a.d, f);
      return std::fma(load_half(own + 32 + 2 * row), a.d_sum, f);
    case Header::kNested: {
      const float scale = load_half(chunk + 2 * row) * static_cast<float>(own[row]);
      const float min = load_half(chunk + 32 + 2 * row) * static_cast<float>(own[16 + row]);
      f = std::fma(exact, scale * a.d, f);
      return std::fma(-min, a.d_sum, f);
    }
    case Header::kSigned: {
      float d;
      std::memcpy(&d, chunk + 4 * row, sizeof d);
      return std::fma(exact, d * static_cast<float>(static_cast<signed char>(own[row])) * a.d, f);
    }
    case Header::kPowers:
      return std::fma(exact, half_power(own[row]) * a.d, f);
    default:
      return std::fma(exact, load_half(own + 2 * row) * a.d, f);
  }
}

float product(const LinearJob& job, const unsigned char* w, std::size_t row, const unsigned char* x,
              std::size_t tokens, std::size_t t) {
  const PackingInfo& info = quant::packing_info(job.packing);
  float f = 0;
  for (std::size_t k = 0; k < job.columns; k += kChunkColumns) {
    const std::size_t tiles = std::min(job.columns - k, kChunkColumns) / kTileColumns;
    const unsigned char* quants = w + quant::header_bytes(info.header, tiles);
    for (std::size_t b = 0; b < tiles; ++b, x += tokens * kActivationBytes) {
      const Activation a = read_activation(x, tokens, t);
      std::int32_t sum[2];
      dot(info, quants + b * quant::tile_bytes(info.bits), row, a, sum);
      f = add_tile(info.header, w, w + quant::header_tile(info.header, b), row, sum, a, f);
    }
    w += quant::chunk_bytes(job.packing, tiles);
  }
  return f;
}

}  // namespace

void linear_groups_ref(const LinearJob& job, std::size_t begin, std::size_t end) noexcept {
  const std::size_t group = quant::group_bytes(job.packing, job.columns);
  std::size_t token = 0;
  const unsigned char* x = job.x;
  for (std::size_t i = 0; i < job.tiles; ++i) {
    const std::size_t tokens = job.tile_tokens + (i < job.wider ? 1 : 0);
    for (std::size_t row = begin * kGroupRows; row < std::min(end * kGroupRows, job.rows); ++row)
      for (std::size_t t = 0; t < tokens; ++t) {
        float f = product(job, job.w + row / kGroupRows * group, row % kGroupRows, x, tokens, t);
        if (job.bias != nullptr) f += job.bias[row];
        float& out = job.out[(token + t) * job.out_stride + row];
        out = job.add ? out + f : f;
      }
    token += tokens;
    x += tokens * activation_bytes(job.columns);
  }
}

void quantize_tile_ref(const float* x, std::size_t tokens, std::size_t columns,
                       unsigned char* out) noexcept {
  for (std::size_t k = 0; k < columns; k += kTileColumns, out += tokens * kActivationBytes)
    for (std::size_t t = 0; t < tokens; ++t) {
      const float* from = x + t * columns + k;
      std::uint32_t top = 0;  // as bits, so that a NaN is larger than all and spoils the scale
      for (std::size_t i = 0; i < kTileColumns; ++i)
        top = std::max(top, quant::blocks::bits_of_float(std::fabs(from[i])));
      const float max = quant::blocks::float_of_bits(top);
      const float inverse = max > 0 ? 127.0f / max : 0.0f;
      std::int32_t half[2] = {0, 0};
      for (std::size_t i = 0; i < kTileColumns; ++i) {
        const float scaled = from[i] * inverse;
        const bool in_range = std::fabs(scaled) <= 127.5f;  // not so: NaN, or a scale of infinity
        const auto q = static_cast<std::int32_t>(in_range ? std::lrintf(scaled) : 0);
        out[t * kTileColumns + i] = static_cast<unsigned char>(q);
        half[i / 16] += q;
      }
      const float d = max / 127.0f;
      const std::int32_t sum = half[0] + half[1];
      const float d_sum = d * static_cast<float>(sum);
      const std::int16_t halves[2] = {static_cast<std::int16_t>(half[0]),
                                      static_cast<std::int16_t>(half[1])};
      unsigned char* p = out + tokens * kTileColumns;
      std::memcpy(p + 4 * t, &d, 4);
      std::memcpy(p + 4 * (tokens + t), &sum, 4);
      std::memcpy(p + 4 * (2 * tokens + t), &d_sum, 4);
      std::memcpy(p + 4 * (3 * tokens + t), halves, 4);
    }
}

}  // namespace aquilon::kernels
