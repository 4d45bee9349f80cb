// What the instruction sets' files have in common: only static functions, so that none leaves code
// of its own instructions to another file.
#pragma once

#include <cstddef>

#include "kernels/linear/linear_impl_internal.h"

namespace aquilon::kernels {

// Calls f.operator()<P>() with the packing as a constant.
template <int P = 0, class F>
static inline void for_packing(quant::Packing packing, const F& f) {
  if constexpr (P < quant::kPackingCount) {
    constexpr auto kPacking = static_cast<quant::Packing>(P);
    if (packing == kPacking) return f.template operator()<kPacking>();
    for_packing<P + 1>(packing, f);
  }
}

// How a tile holds its quants, as one number: bits of a code, and which table has the quants.
static constexpr int kForms = 16;
static constexpr int form_of(const quant::PackingInfo& info) {
  return info.bits + kForms * static_cast<int>(info.table);
}
static constexpr int code_bits(int form) {
  return form % kForms;
}
static constexpr quant::Table table_of(int form) {
  return static_cast<quant::Table>(form / kForms);
}

// Tiles of the chunk that begins at `column`.
static inline std::size_t tiles_from(std::size_t column, std::size_t columns) {
  const std::size_t left = columns - column;
  return (left < quant::kChunkColumns ? left : quant::kChunkColumns) / quant::kTileColumns;
}

// Quantises one tile of tokens by blocks of 32 values:
//   block(from, q, d, sum, d_sum, halves) writes what activations have for one of them
template <class Block>
static inline void quantize_tile(const float* x, std::size_t tokens, std::size_t columns,
                                 unsigned char* out, const Block& block) {
  constexpr std::size_t kColumns = quant::kTileColumns;
  for (std::size_t k = 0; k < columns; k += kColumns, out += tokens * kActivationBytes) {
    unsigned char* p = out + tokens * kColumns;
    auto* d = reinterpret_cast<float*>(p);
    auto* sum = reinterpret_cast<int*>(p + 4 * tokens);
    auto* d_sum = reinterpret_cast<float*>(p + 8 * tokens);
    auto* halves = reinterpret_cast<short*>(p + 12 * tokens);
    for (std::size_t t = 0; t < tokens; ++t)
      block(x + t * columns + k, out + kColumns * t, d + t, sum + t, d_sum + t, halves + 2 * t);
  }
}

}  // namespace aquilon::kernels
