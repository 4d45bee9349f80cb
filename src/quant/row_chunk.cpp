#include <cstring>

#include "base/check.h"
#include "quant/blocks_codes.h"
#include "quant/row_chunk_internal.h"

namespace aquilon::quant {
namespace {

using tensor::DType;
using Byte = unsigned char;

// Two tiles.
void read_nvfp4(const Byte* x, std::size_t t, RowChunk& c) {
  for (std::size_t g = 0; g < 4; ++g) {
    c.halves[2 * t + g] = blocks::small_scale(x[g]);
    const Byte* nibble = x + 4 + 8 * g;
    Byte* q = c.q + 32 * t + 16 * g;
    for (int j = 0; j < 8; ++j) q[j] = nibble[j] & 15;
    for (int j = 0; j < 8; ++j) q[j + 8] = nibble[j] >> 4;
  }
}

void read_coded(const blocks::CodedType& type, const Byte* x, RowChunk& c) {
  blocks::Codes codes{};
  type.read(x, codes);
  std::memcpy(c.q, codes.code, sizeof c.q);
  c.d = codes.d;
  c.dmin = codes.dmin;
  c.wide_d = blocks::half_to_float(codes.d) * type.unit;
  for (std::size_t g = 0; g < 2 * kChunkTiles; ++g)
    c.halves[g] = static_cast<Byte>(codes.scale[g] | codes.min[g] << 4);
}

}  // namespace

void read_chunk(DType type, const unsigned char* x, std::size_t tiles, RowChunk& c) noexcept {
  if (type == DType::kNVFP4) {
    for (std::size_t t = 0; t < tiles; t += 2, x += 36) read_nvfp4(x, t, c);
    return;
  }
  const auto* coded = blocks::find_coded_type(static_cast<std::uint32_t>(type));
  AQ_CHECK(coded != nullptr);  // a type without a packing
  read_coded(*coded, x, c);
}

void put_header(Header header, const RowChunk& c, std::size_t tiles, std::size_t row,
                unsigned char* out) noexcept {
  const bool wide = header == Header::kSigned || header == Header::kSignedHalves;
  if (wide) std::memcpy(out + 4 * row, &c.wide_d, sizeof c.wide_d);
  if (header == Header::kHalves || header == Header::kHalvesMin)
    std::memcpy(out + 2 * row, &c.d, sizeof c.d);
  if (header == Header::kHalvesMin) std::memcpy(out + 32 + 2 * row, &c.dmin, sizeof c.dmin);
  for (std::size_t t = 0; t < tiles; ++t) {
    Byte* at = out + header_tile(header, t);
    if (header == Header::kScale)
      std::memcpy(at + 2 * row, &c.d, sizeof c.d);
    else if (header == Header::kSigned)
      at[row] = c.halves[2 * t];
    else
      std::memcpy(at + 2 * row, c.halves + 2 * t, 2);
  }
}

}  // namespace aquilon::quant
