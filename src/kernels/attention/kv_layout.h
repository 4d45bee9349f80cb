// How keys and values lie in memory: pages of 16 positions, so that vector lanes are positions for
// q.k and values of a head for p.v, and no sum ever crosses lanes.
//
//   page        [L] layers [K] heads, each a key tile followed by a value tile
//   key tile    [E] [16 positions]
//   value tile  [16 positions] [row], row = E rounded up to 16; what is beyond E is never used
//
// In bf16 every group of 16 is stored with its halves interleaved (0, 8, 1, 9, ... 7, 15): a shift
// and a mask of one 32-byte load then give two vectors in order.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aquilon::kernels {

enum class KvType : std::uint8_t { kBf16, kF16, kF32 };

inline constexpr std::size_t kPagePositions = 16;

constexpr std::size_t kv_bytes(KvType type) {
  return type == KvType::kF32 ? 4 : 2;
}

struct KvLayout {
  KvType type = KvType::kBf16;
  std::size_t n_layers = 0;    // L
  std::size_t n_kv_heads = 0;  // K
  std::size_t head_dim = 0;    // E

  constexpr std::size_t row() const { return (head_dim + 15) / 16 * 16; }
  constexpr std::size_t key_bytes() const { return row() * kPagePositions * kv_bytes(type); }
  constexpr std::size_t head_bytes() const { return 2 * key_bytes(); }
  constexpr std::size_t layer_bytes() const { return n_kv_heads * head_bytes(); }
  constexpr std::size_t page_bytes() const { return n_layers * layer_bytes(); }

  // Where a head's tiles begin in a page.
  constexpr std::size_t keys(std::size_t layer, std::size_t kv_head) const {
    return layer * layer_bytes() + kv_head * head_bytes();
  }
  constexpr std::size_t values(std::size_t layer, std::size_t kv_head) const {
    return keys(layer, kv_head) + key_bytes();
  }
};

// New tokens of one sequence and the pages of all its positions.
//   pages[i]  holds positions 16 i .. 16 i + 15
struct KvSlice {
  std::byte* const* pages;
  std::size_t position;  // of the first new token
  std::size_t tokens;
};

}  // namespace aquilon::kernels
