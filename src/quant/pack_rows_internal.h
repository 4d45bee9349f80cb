// Rows of stored blocks as the packer reads and writes them: one, or four side by side in a
// vector's lanes. One source (pack_chunk_internal.h) packs both, so the four are the same bytes as
// each alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "quant/blocks_load.h"

namespace aquilon::quant {

using Byte = unsigned char;

template <class T>
inline void put(T v, Byte* at) {
  std::memcpy(at, &v, sizeof v);
}

// Places `at` are bytes from the start of the rows' blocks. What is put of a row goes to its own
// place behind `out`, which the caller moves to the first row: 4, 2 or 1 bytes a row.
struct OneRow {
  using Word = std::uint32_t;
  static constexpr std::size_t kRows = 1;

  const Byte* x;

  OneRow from(std::size_t at) const { return {x + at}; }
  Word word(std::size_t at) const { return blocks::load_u32(x + at); }
  // Words at `at`, `at` + 4, ...
  template <std::size_t n>
  void words(std::size_t at, Word (&w)[n]) const {
    for (std::size_t i = 0; i < n; ++i) w[i] = word(at + 4 * i);
  }
  void copy_half(std::size_t at, Byte* out) const { std::memcpy(out, x + at, 2); }
  void copy_byte(std::size_t at, Byte* out) const { *out = x[at]; }
  // As single precision, 4 bytes a row.
  void put_wide(std::size_t at, Byte* out) const {
    put(blocks::half_to_float(blocks::load_u16(x + at)), out);
  }
  // Byte t or half t of a word goes to out + step t.
  static void put_bytes(Word w, std::size_t step, Byte* out) {
    for (std::size_t t = 0; t < 4; ++t) out[step * t] = static_cast<Byte>(w >> 8 * t);
  }
  static void put_halves(Word w, std::size_t step, Byte* out) {
    for (std::size_t t = 0; t < 2; ++t)
      put(static_cast<std::uint16_t>(w >> 16 * t), out + step * t);
  }
};

// Vectors of 16 bytes, which every processor has: loads are whole, and transposing them is cheap.
// Wider ones gain nothing, since memory is the limit.
struct FourRows {
  using Word = std::uint32_t __attribute__((vector_size(16)));
  using Bytes = Byte __attribute__((vector_size(16)));
  static constexpr std::size_t kRows = 4;

  const Byte* x;
  std::size_t stride;  // bytes from row to row

  FourRows from(std::size_t at) const { return {x + at, stride}; }
  Word word(std::size_t at) const {
    const Byte* p = x + at;
    return Word{blocks::load_u32(p), blocks::load_u32(p + stride), blocks::load_u32(p + 2 * stride),
                blocks::load_u32(p + 3 * stride)};
  }
  template <std::size_t n>
  void words(std::size_t at, Word (&w)[n]) const {
    static_assert(n % 4 == 0);
    for (std::size_t i = 0; i < n; i += 4) transposed(x + at + 4 * i, w + i);
  }
  void copy_half(std::size_t at, Byte* out) const {
    for (std::size_t r = 0; r < kRows; ++r) std::memcpy(out + 2 * r, x + at + r * stride, 2);
  }
  void copy_byte(std::size_t at, Byte* out) const {
    for (std::size_t r = 0; r < kRows; ++r) out[r] = x[at + r * stride];
  }
  void put_wide(std::size_t at, Byte* out) const {
    for (std::size_t r = 0; r < kRows; ++r) OneRow{x + r * stride}.put_wide(at, out + 4 * r);
  }
  static void put_bytes(Word w, std::size_t step, Byte* out) {
    const auto b = reinterpret_cast<Bytes>(w);
    const auto rows = reinterpret_cast<Word>(
        __builtin_shufflevector(b, b, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    for (std::size_t t = 0; t < 4; ++t) put(rows[t], out + step * t);
  }
  static void put_halves(Word w, std::size_t step, Byte* out) {
    using Pair = std::uint64_t __attribute__((vector_size(16)));
    const auto b = reinterpret_cast<Bytes>(w);
    const auto rows = reinterpret_cast<Pair>(
        __builtin_shufflevector(b, b, 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15));
    for (std::size_t t = 0; t < 2; ++t) put(std::uint64_t{rows[t]}, out + step * t);
  }

 private:
  Word row(const Byte* at, std::size_t r) const {
    Word w;
    std::memcpy(&w, at + r * stride, sizeof w);
    return w;
  }
  void transposed(const Byte* at, Word* w) const {
    const Word a = row(at, 0), b = row(at, 1), c = row(at, 2), d = row(at, 3);
    const Word ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const Word cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const Word ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const Word cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    w[0] = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    w[1] = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    w[2] = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
    w[3] = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
  }
};

}  // namespace aquilon::quant
