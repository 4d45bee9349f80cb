#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention/kv_layout.h"

namespace aquilon::kernels {

inline constexpr std::size_t kBlockPositions = 256;
inline constexpr std::size_t kBlockPages = kBlockPositions / kPagePositions;

// One block of positions for rows (query heads of one or more tokens) that share a KV head.
struct AttentionBlock {
  KvType type;
  std::size_t head_dim;           // E
  std::size_t row;                // E rounded up to 16
  std::size_t rows;               // R >= 1
  std::size_t keys;               // offset of the key tile in a page
  std::size_t values;             // offset of the value tile
  const std::byte* const* pages;  // of the block, as many as the longest row needs
  const std::uint16_t* begin;     // [R]       first position that a row sees, ascending
  const std::uint16_t* end;       // [R]       after the last, begin + 1 .. 256, ascending
  const float* q;                 // [R, E]    times log2(e) / sqrt(E)
  float* scores;                  // [R, 256]  scratch
  float* highest;                 // [R]       out: the highest score s
  float* sum;                     // [R]       out: sum of 2^(s - highest)
  float* mixed;                   // [R, row]  out: sum of 2^(s - highest) v
};

// A row's result depends on that row alone: positions are summed in ascending order, lanes are
// positions counted from the block's start, values outside of [begin, end) are not used.
using AttentionBlockFn = void(const AttentionBlock& block) noexcept;

AttentionBlockFn attention_block_ref;
AttentionBlockFn attention_block_avx2;
AttentionBlockFn attention_block_avx512;

}  // namespace aquilon::kernels
