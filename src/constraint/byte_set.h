// A set of byte values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace aquilon::constraint {

struct ByteSet {
  std::array<std::uint64_t, 4> words{};

  static ByteSet of(unsigned low, unsigned high) {
    ByteSet set;
    for (unsigned byte = low; byte <= high; ++byte) set.add(byte);
    return set;
  }
  static ByteSet all() { return {{~0ULL, ~0ULL, ~0ULL, ~0ULL}}; }

  void add(unsigned byte) { words[byte >> 6] |= 1ULL << (byte & 63); }
  void remove(unsigned byte) { words[byte >> 6] &= ~(1ULL << (byte & 63)); }
  bool has(unsigned byte) const { return words[byte >> 6] >> (byte & 63) & 1; }
  bool empty() const { return (words[0] | words[1] | words[2] | words[3]) == 0; }
  int count() const {
    int n = 0;
    for (const std::uint64_t word : words) n += __builtin_popcountll(word);
    return n;
  }
  ByteSet& operator|=(const ByteSet& other) {
    for (std::size_t i = 0; i < 4; ++i) words[i] |= other.words[i];
    return *this;
  }
  ByteSet& operator&=(const ByteSet& other) {
    for (std::size_t i = 0; i < 4; ++i) words[i] &= other.words[i];
    return *this;
  }
  ByteSet operator~() const { return {{~words[0], ~words[1], ~words[2], ~words[3]}}; }
  friend bool operator==(const ByteSet&, const ByteSet&) = default;

  // Calls visit(byte) for each member, in order.
  template <class Visit>
  void each(Visit visit) const {
    for (unsigned i = 0; i < 4; ++i)
      for (std::uint64_t left = words[i]; left != 0; left &= left - 1)
        visit(i * 64 + static_cast<unsigned>(__builtin_ctzll(left)));
  }
};

}  // namespace aquilon::constraint
