// Packs chunks of one row or of four (pack_rows_internal.h): header and tiles of packed_layout.h
// out of stored blocks, whose byte layouts are told in blocks_decode.h. Words hold four columns of
// a row each; bytes do not carry into each other, since every code is masked first.
#pragma once

#include "quant/pack_rows_internal.h"
#include "quant/packed_layout.h"
#include "quant/row_chunk_internal.h"
#include "tensor/dtype.h"

namespace aquilon::quant {

template <class Rows>
class ChunkPacker {
  using Word = typename Rows::Word;
  static constexpr std::uint32_t kLow = 0x0f0f0f0f, kPair = 0x03030303, kBit = 0x01010101;

 public:
  //   row  of the group, a multiple of Rows::kRows
  //   out  the chunk, zeroed
  ChunkPacker(Packing packing, std::size_t tiles, std::size_t row, Byte* out)
      : info_(packing_info(packing)),
        tiles_(tiles),
        row_(row),
        head_(out),
        body_(out + header_bytes(info_.header, tiles) + 4 * row) {}

  void pack(tensor::DType type, const Rows& rows) const {
    using tensor::DType;
    switch (type) {
      case DType::kQ4_0:
      case DType::kIQ4_NL:
        return each_tile(rows, 18, [&](const Rows& x, std::size_t t) { low_half(x, 2, t); });
      case DType::kQ4_1:
        return each_tile(rows, 20, [&](const Rows& x, std::size_t t) { low_half(x, 4, t); });
      case DType::kQ5_0:
        return each_tile(rows, 22, [&](const Rows& x, std::size_t t) { fifth(x, 2, t); });
      case DType::kQ5_1:
        return each_tile(rows, 24, [&](const Rows& x, std::size_t t) { fifth(x, 4, t); });
      case DType::kQ8_0:
        return each_tile(rows, 34, [&](const Rows& x, std::size_t t) { whole(x, t); });
      case DType::kMXFP4:
        return each_tile(rows, 17, [&](const Rows& x, std::size_t t) { low_half(x, 1, t); });
      case DType::kQ4_K:
        return nested(rows, 16);
      case DType::kQ5_K:
        return nested(rows, 48);
      case DType::kQ6_K:
        return q6_k(rows);
      case DType::kQ2_K:
        return q2_k(rows);
      case DType::kQ3_K:
        return q3_k(rows);
      case DType::kIQ4_XS:
        return iq4_xs(rows);
      default:
        return coded(type, rows);
    }
  }

 private:
  Byte* tile(std::size_t t) const { return body_ + t * tile_bytes(info_.bits); }
  Byte* head(std::size_t t) const { return head_ + header_tile(info_.header, t); }

  // Blocks of 32 columns, a tile each.
  template <class F>
  void each_tile(const Rows& rows, std::size_t block_bytes, const F& f) const {
    for (std::size_t t = 0; t < tiles_; ++t) {
      const Rows x = rows.from(t * block_bytes);
      scales(x, t);
      f(x, t);
    }
  }
  void scales(const Rows& x, std::size_t t) const {
    if (info_.header == Header::kPowers) return x.copy_byte(0, head(t) + row_);
    x.copy_half(0, head(t) + 2 * row_);
    if (info_.header == Header::kScaleMin) x.copy_half(2, head(t) + 32 + 2 * row_);
  }

  // 16 bytes of nibbles: byte j holds columns j and j + 16.
  void low_half(const Rows& x, std::size_t at, std::size_t t) const {
    Word w[4], q[8];
    x.words(at, w);
    for (int g = 0; g < 4; ++g) q[g] = w[g] & kLow;
    for (int g = 0; g < 4; ++g) q[g + 4] = w[g] >> 4 & kLow;
    put_low(q, 0, tile(t));
  }
  // A word of fifth bits, one a column, then nibbles.
  void fifth(const Rows& x, std::size_t at, std::size_t t) const {
    low_half(x, at + 4, t);
    Word bits = x.word(at);  // bit 4 g + i is to be bit 8 i + g
    swap_bits(bits, 14, 0x0000ccccu);
    swap_bits(bits, 7, 0x00aa00aau);
    swap_bits(bits, 2, 0x0c0c0c0cu);
    swap_bits(bits, 1, 0x22222222u);
    put(bits, tile(t) + 256);
  }
  // Exchanges the bits of `mask` with those `distance` above them.
  static void swap_bits(Word& w, int distance, std::uint32_t mask) {
    const Word different = (w >> distance ^ w) & mask;
    w ^= different | different << distance;
  }
  void whole(const Rows& x, std::size_t t) const {
    Word w[8];
    x.words(2, w);
    for (std::size_t g = 0; g < 8; ++g) put(w[g] ^ 0x80808080u, tile(t) + 64 * g);
  }

  // d, dmin, 12 bytes of scales and minima of 6 bits, the fifth bits of Q5_K, nibbles from `at` on:
  // 32 bytes hold two tiles.
  void nested(const Rows& x, std::size_t at) const {
    x.copy_half(0, head_ + 2 * row_);
    x.copy_half(2, head_ + 32 + 2 * row_);
    const Word p0 = x.word(4), p1 = x.word(8), p2 = x.word(12);
    const std::size_t step = header_tile(info_.header, 1) - header_tile(info_.header, 0);
    Rows::put_bytes(p0 & 0x3f3f3f3fu, step, head(0) + row_);
    Rows::put_bytes(p1 & 0x3f3f3f3fu, step, head(0) + 16 + row_);
    Rows::put_bytes((p2 & kLow) | (p0 >> 6 & kPair) << 4, step, head(4) + row_);
    Rows::put_bytes((p2 >> 4 & kLow) | (p1 >> 6 & kPair) << 4, step, head(4) + 16 + row_);
    for (std::size_t pair = 0; pair < 4; ++pair) {
      Word w[8];
      x.words(at + 32 * pair, w);
      put_low(w, 0, tile(2 * pair));
      put_low(w, 4, tile(2 * pair + 1));
    }
    if (info_.bits != 5) return;
    Word w[8];
    x.words(16, w);
    for (int t = 0; t < 8; ++t) put_bits(w, t, tile(static_cast<std::size_t>(t)) + 256);
  }

  // 128 bytes of nibbles, 64 of pairs, 16 scales, d. Each half of 128 columns: 64 bytes, of which
  // the low nibbles are the first 64 columns, and 32 bytes of four pairs.
  void q6_k(const Rows& x) const {
    x.copy_half(208, head_ + 2 * row_);
    Word scale[4];
    x.words(192, scale);
    put_half_scales(scale);
    for (std::size_t half = 0; half < 2; ++half) {
      Word top[8];
      x.words(128 + 32 * half, top);
      for (std::size_t side = 0; side < 2; ++side) {
        Word w[8];
        x.words(64 * half + 32 * side, w);
        Byte* const first = tile(4 * half + side);
        Byte* const second = tile(4 * half + side + 2);
        const int shift = static_cast<int>(2 * side);
        put_low(w, 0, first);
        put_pairs(top, shift, first + 256);
        put_low(w, 4, second);
        put_pairs(top, shift + 4, second + 256);
      }
    }
  }

  // 16 bytes of a scale and a minimum, 64 of pairs, d, dmin.
  void q2_k(const Rows& x) const {
    x.copy_half(80, head_ + 2 * row_);
    x.copy_half(82, head_ + 32 + 2 * row_);
    Word scale[4];
    x.words(0, scale);
    put_half_scales(scale);
    pairs(x, 16);
  }

  // 32 bytes of third bits, 64 of pairs, 12 of scales of 6 bits, d.
  void q3_k(const Rows& x) const {
    x.copy_half(108, head_ + 2 * row_);
    const Word a = x.word(96), b = x.word(100), c = x.word(104);
    const Word scale[4] = {less_32((a & kLow) | (c & kPair) << 4),
                           less_32((b & kLow) | (c >> 2 & kPair) << 4),
                           less_32((a >> 4 & kLow) | (c >> 4 & kPair) << 4),
                           less_32((b >> 4 & kLow) | (c >> 6 & kPair) << 4)};
    put_half_scales(scale);
    pairs(x, 32);
    Word w[8];
    x.words(0, w);
    for (int t = 0; t < 8; ++t) put_bits(w, t, tile(static_cast<std::size_t>(t)) + 128);
  }

  // d, the scales' high pairs, their low nibbles, then nibbles as in blocks of 32.
  void iq4_xs(const Rows& x) const {
    x.put_wide(0, head_ + 4 * row_);
    const Word low = x.word(4), high = x.word(0) >> 16;
    const Word nibbles =
        (high & 0xfu) | (high & 0xf0u) << 4 | (high & 0xf00u) << 8 | high >> 12 << 24;
    const std::size_t step = header_tile(info_.header, 2) - header_tile(info_.header, 0);
    Rows::put_bytes(less_32((low & kLow) | (nibbles & kPair) << 4), step, head(0) + row_);
    Rows::put_bytes(less_32((low >> 4 & kLow) | (nibbles >> 2 & kPair) << 4), step, head(1) + row_);
    for (std::size_t t = 0; t < 8; ++t) low_half(x, 8 + 16 * t, t);
  }

  // 64 bytes: each half of 128 columns takes 32, four pairs a byte.
  void pairs(const Rows& x, std::size_t at) const {
    for (std::size_t half = 0; half < 2; ++half) {
      Word w[8];
      x.words(at + 32 * half, w);
      for (std::size_t t = 0; t < 4; ++t) put_pairs(w, static_cast<int>(2 * t), tile(4 * half + t));
    }
  }

  // Bytes for each 16 columns, four a word.
  void put_half_scales(const Word (&scale)[4]) const {
    const std::size_t step = header_tile(info_.header, 1) - header_tile(info_.header, 0);
    for (std::size_t h = 0; h < 4; ++h) Rows::put_halves(scale[h], step, head(2 * h) + 2 * row_);
  }
  // Bytes of 6 bits, each less 32, with its sign.
  static Word less_32(Word w) {
    w ^= 0x20202020u;
    const Word negative = w & 0x20202020u;
    return w | negative << 1 | negative << 2;
  }

  // By way of bytes, one a column.
  void coded(tensor::DType type, const Rows& rows) const {
    RowChunk chunks[Rows::kRows];
    for (std::size_t r = 0; r < Rows::kRows; ++r) {
      read_chunk(type, row_of(rows, r), tiles_, chunks[r]);
      put_header(info_.header, chunks[r], tiles_, row_ + r, head_);
    }
    const Rows codes = rows_of(chunks);
    for (std::size_t t = 0; t < tiles_; ++t) {
      Word w[8];
      codes.words(kTileColumns * t, w);
      if (info_.bits == 4) {
        put_low(w, 0, tile(t));
      } else {
        put_pairs(w, 0, tile(t));
        if (info_.bits == 3) put_bits(w, 2, tile(t) + 128);
      }
    }
  }
  static const Byte* row_of(const OneRow& rows, std::size_t) { return rows.x; }
  static const Byte* row_of(const FourRows& rows, std::size_t r) {
    return rows.x + r * rows.stride;
  }
  static OneRow rows_of(const RowChunk (&chunks)[1]) { return {chunks->q}; }
  static FourRows rows_of(const RowChunk (&chunks)[4]) { return {chunks->q, sizeof *chunks}; }

  static void put_low(const Word (&w)[8], int shift, Byte* out) {
    for (int j = 0; j < 4; ++j)
      put((w[2 * j] >> shift & kLow) | (w[2 * j + 1] >> shift & kLow) << 4, out + 64 * j);
  }
  static void put_pairs(const Word (&w)[8], int shift, Byte* out) {
    for (int h = 0; h < 2; ++h) {
      Word line = w[4 * h] >> shift & kPair;
      for (int g = 1; g < 4; ++g) line |= (w[4 * h + g] >> shift & kPair) << 2 * g;
      put(line, out + 64 * h);
    }
  }
  static void put_bits(const Word (&w)[8], int shift, Byte* out) {
    Word line = w[0] >> shift & kBit;
    for (int g = 1; g < 8; ++g) line |= (w[g] >> shift & kBit) << g;
    put(line, out);
  }

  const PackingInfo& info_;
  std::size_t tiles_;
  std::size_t row_;
  Byte* head_;
  Byte* body_;
};

}  // namespace aquilon::quant
