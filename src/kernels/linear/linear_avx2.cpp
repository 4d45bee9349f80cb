// 16 rows x C tokens at a time. A vector holds 4 columns of 8 rows; pair products are summed in
// 16 bits as long as they cannot overflow (a quant of b bits times 127, twice: 8 steps of 4 columns
// for 4 bits, 4 for 5, 2 for 6), then widened by a multiply-add with ones, or with the integer
// scale where the packing has one. Quants of 8 bits run as two planes of 4; where a table has them,
// as what two tables have.
//
// Few tokens multiply straight from the packed form; many share a panel of expanded quants.
#include <immintrin.h>

#include "kernels/linear/linear_tiles_internal.h"

namespace aquilon::kernels {
namespace {

using quant::Header;
using quant::kChunkColumns;
using quant::kGroupRows;
using quant::kTileColumns;
using quant::Packing;
using quant::PackingInfo;
using quant::Table;
using Byte = unsigned char;
using Ints = __m256i;

constexpr int kPanelForm = 0;             // quants stand in a panel, a byte each
constexpr std::size_t kPanelTokens = 20;  // from here on a panel pays

inline Ints load(const Byte* p) {
  return _mm256_loadu_si256(reinterpret_cast<const Ints*>(p));
}
inline __m256 load_halves(const Byte* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline __m256 load_floats(const Byte* p) {
  return _mm256_loadu_ps(reinterpret_cast<const float*>(p));
}
inline Ints broadcast(const Byte* p) {
  return _mm256_castps_si256(_mm256_broadcast_ss(reinterpret_cast<const float*>(p)));
}

// x moved left by N bits, right by -N; bits that leave their byte are masked off by the caller.
template <int N>
inline Ints shift(Ints x) {
  if constexpr (N > 0) return _mm256_slli_epi16(x, N);
  if constexpr (N < 0) return _mm256_srli_epi16(x, -N);
  return x;
}

// The codes of columns 4 G .. 4 G + 3 for 8 rows; `tile` points at the rows' half of its lines.
template <int Bits, int G>
inline Ints codes(const Byte* tile) {
  if constexpr (Bits < 4) {
    const Ints line = load(tile + 64 * (G / 4));
    const Ints low = _mm256_and_si256(shift<-2 * (G % 4)>(line), _mm256_set1_epi8(3));
    if constexpr (Bits == 2) return low;
    const Ints third = shift<2 - G>(load(tile + 128));
    return _mm256_or_si256(low, _mm256_and_si256(third, _mm256_set1_epi8(4)));
  } else {
    const Ints line = load(tile + 64 * (G / 2));
    const Ints low = _mm256_and_si256(shift < G % 2 == 1 ? -4 : 0 > (line), _mm256_set1_epi8(15));
    if constexpr (Bits == 4) return low;
    if constexpr (Bits == 5) {
      const Ints fifth = shift<4 - G>(load(tile + 256));
      return _mm256_or_si256(low, _mm256_and_si256(fifth, _mm256_set1_epi8(16)));
    }
    if constexpr (Bits == 6) {
      const Ints top = shift<4 - 2 * (G % 4)>(load(tile + 256 + 64 * (G / 4)));
      return _mm256_or_si256(low, _mm256_and_si256(top, _mm256_set1_epi8(48)));
    }
  }
}

// A table's values, or their upper or lower nibbles.
enum class Plane { kAll, kUpper, kLower };
struct Values {
  alignas(16) unsigned char v[16];
};
constexpr Values values_of(Table table, Plane plane) {
  Values values{};
  for (int i = 0; i < 16; ++i) {
    const unsigned char v = quant::value_table(table).values[i];
    values.v[i] = static_cast<unsigned char>(plane == Plane::kAll     ? v
                                             : plane == Plane::kUpper ? v >> 4
                                                                      : v & 15);
  }
  return values;
}
template <Table T, Plane P>
constexpr Values kValues = values_of(T, P);

template <Table T, Plane P>
inline Ints look_up(Ints codes) {
  const auto* values = reinterpret_cast<const __m128i*>(kValues<T, P>.v);
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_load_si128(values)), codes);
}

// The quants of columns 4 G .. 4 G + 3 for 8 rows. Of 8 bits: G in 0..7 for the upper nibbles, in
// 8..15 for the lower.
template <int Form, int G>
inline Ints quants(const Byte* tile) {
  constexpr Table kTable = table_of(Form);
  if constexpr (Form == kPanelForm) {
    return load(tile + 64 * G);
  } else if constexpr (Form == 8) {
    const Ints x = load(tile + 64 * (G % 8));
    return _mm256_and_si256(shift < G < 8 ? -4 : 0 > (x), _mm256_set1_epi8(15));
  } else if constexpr (kTable == Table::kNone) {
    return codes<Form, G>(tile);
  } else if constexpr (quant::value_table(kTable).width == 8) {
    return look_up < kTable,
           G < 8 ? Plane::kUpper : Plane::kLower > (codes<code_bits(Form), G % 8>(tile));
  } else {
    return look_up<kTable, Plane::kAll>(codes<code_bits(Form), G>(tile));
  }
}

// Steps of 4 columns that 16-bit sums of products with quants of so many bits bear, of which one
// has a half of the tile's columns at most where halves have scales.
constexpr int steps_in_16_bits(int width, Header header) {
  if (width == 7) return 1;
  if (width == 6) return 2;
  return width == 5 || quant::in_halves(header) ? 4 : 8;
}

// GCC would make trees of the sums, which need more registers than there are.
inline void keep_order(Ints& a, Ints& b) {
  asm("" : "+x"(a), "+x"(b));
}

template <int C>
struct Sums {
  Ints v[2][C];  // [rows 0-7, rows 8-15][token]
};

// 16-bit sums over the steps G .. End - 1.
template <int Form, int C, int G, int End, bool First>
inline void accumulate(const Byte* tile, const Byte* x, Sums<C>& acc) {
  if constexpr (G < End) {
    const Ints w0 = quants<Form, G>(tile);
    const Ints w1 = quants<Form, G>(tile + 32);
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
      const Ints xs = broadcast(x + kTileColumns * c + 4 * (G % 8));
      const Ints p0 = _mm256_maddubs_epi16(w0, xs);
      const Ints p1 = _mm256_maddubs_epi16(w1, xs);
      acc.v[0][c] = First ? p0 : _mm256_add_epi16(acc.v[0][c], p0);
      acc.v[1][c] = First ? p1 : _mm256_add_epi16(acc.v[1][c], p1);
      keep_order(acc.v[0][c], acc.v[1][c]);
    }
    accumulate<Form, C, G + 1, End, false>(tile, x, acc);
  }
}

// Both copies of a row's scale for the half H of a tile, from pairs of both.
template <int H>
inline Ints half_scale(Ints pairs) {
  constexpr int kPick = H == 0 ? 0xa0 : 0xf5;
  return _mm256_shufflehi_epi16(_mm256_shufflelo_epi16(pairs, kPick), kPick);
}

// Segments of 16-bit sums in a tile.
constexpr int segments(int width, Header header) {
  return (width == 8 ? 16 : 8) / steps_in_16_bits(width, header);
}

// Sums of q_w q_x over the segments Segment .. End - 1 of a tile, of which Begin is the first; with
// whole scales for halves each half times its scale.
template <int Form, int Width, Header H, int C, int Begin, int Segment, int End>
inline void dot(const Byte* tile, const Byte* x, const Ints (&pairs)[2], Sums<C>& sum) {
  constexpr int kSteps = steps_in_16_bits(Width, H);
  constexpr int kSegments = segments(Width, H);
  if constexpr (Segment < End) {
    Sums<C> acc;
    accumulate<Form, C, Segment * kSteps, (Segment + 1) * kSteps, true>(tile, x, acc);
    Ints factor0 = _mm256_set1_epi16(Width == 8 && Segment == 0 ? 16 : 1);
    Ints factor1 = factor0;
    if constexpr (quant::in_halves(H) && H != Header::kSmallFloats) {
      factor0 = half_scale<(2 * Segment >= kSegments)>(pairs[0]);
      factor1 = half_scale<(2 * Segment >= kSegments)>(pairs[1]);
    }
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
      const Ints s0 = _mm256_madd_epi16(acc.v[0][c], factor0);
      const Ints s1 = _mm256_madd_epi16(acc.v[1][c], factor1);
      sum.v[0][c] = Segment == Begin ? s0 : _mm256_add_epi32(sum.v[0][c], s0);
      sum.v[1][c] = Segment == Begin ? s1 : _mm256_add_epi32(sum.v[1][c], s1);
    }
    dot<Form, Width, H, C, Begin, Segment + 1, End>(tile, x, pairs, sum);
  }
}

// What a tile's scales are, for 8 rows; d and m are the chunk's where scales are nested.
struct Scales {
  __m256 scale;
  __m256 min;      // added: kScaleMin; subtracted: kNested, kHalvesMin
  Ints pairs;      // of scales, for the halves: 2 x 16 bits
  Ints min_pairs;  // kHalvesMin
};

inline __m256 floats_of(Ints bytes) {
  return _mm256_cvtepi32_ps(bytes);
}
inline __m128i load_8(const Byte* p) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
}

// 8 powers of two, as half_power() in blocks_load.h has them.
inline __m256 load_powers(const Byte* p) {
  const Ints e = _mm256_cvtepu8_epi32(load_8(p));
  const Ints normal = _mm256_slli_epi32(_mm256_sub_epi32(e, _mm256_set1_epi32(1)), 23);
  const Ints small =
      _mm256_sllv_epi32(_mm256_set1_epi32(0x200000), _mm256_min_epi32(e, _mm256_set1_epi32(2)));
  return _mm256_castsi256_ps(_mm256_max_epi32(normal, small));
}

template <Header H>
inline Scales tile_scales(const Byte* own, __m256 d, __m256 m, int half) {
  Scales s{};
  if constexpr (H == Header::kScale || H == Header::kScaleMin)
    s.scale = load_halves(own + 16 * half);
  if constexpr (H == Header::kScaleMin) s.min = load_halves(own + 32 + 16 * half);
  if constexpr (H == Header::kNested) {
    s.scale = _mm256_mul_ps(d, floats_of(_mm256_cvtepu8_epi32(load_8(own + 8 * half))));
    s.min = _mm256_mul_ps(m, floats_of(_mm256_cvtepu8_epi32(load_8(own + 16 + 8 * half))));
  }
  if constexpr (H == Header::kSigned)
    s.scale = _mm256_mul_ps(d, floats_of(_mm256_cvtepi8_epi32(load_8(own + 8 * half))));
  if constexpr (H == Header::kPowers) s.scale = load_powers(own + 8 * half);
  if constexpr (quant::in_halves(H)) {
    s.scale = d;
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(own + 16 * half));
    s.pairs = _mm256_cvtepi8_epi16(bytes);
    if constexpr (H == Header::kHalvesMin) {
      s.min = m;
      s.min_pairs = _mm256_and_si256(_mm256_srli_epi16(s.pairs, 4), _mm256_set1_epi16(15));
      s.pairs = _mm256_and_si256(s.pairs, _mm256_set1_epi16(15));
    }
  }
  return s;
}

// sum less what the quants' offset added.
template <Packing P, int C>
inline Ints without_zero(const Scales& s, Ints sum, const Byte* p) {
  constexpr PackingInfo kInfo = quant::packing_info(P);
  if constexpr (kInfo.zero == 0) return sum;
  constexpr int kShift = kInfo.zero == 0 ? 0 : __builtin_ctz(static_cast<unsigned>(kInfo.zero));
  if constexpr (quant::in_halves(kInfo.header)) {
    const Ints zeros = _mm256_madd_epi16(s.pairs, broadcast(p + 12 * C));
    return _mm256_sub_epi32(sum, _mm256_slli_epi32(zeros, kShift));
  }
  return _mm256_sub_epi32(sum, _mm256_slli_epi32(broadcast(p + 4 * C), kShift));
}

// f plus a tile's share for 8 rows and one token. `p`: the token's numbers behind the tile's
// quants.
template <Packing P, int C>
inline __m256 add_share(const Scales& s, Ints sum, const Byte* p, __m256 f) {
  constexpr Header kHeader = quant::packing_info(P).header;
  sum = without_zero<P, C>(s, sum, p);
  const __m256 d = _mm256_broadcast_ss(reinterpret_cast<const float*>(p));
  if constexpr (kHeader == Header::kHalvesMin) {
    const Ints min = _mm256_madd_epi16(s.min_pairs, broadcast(p + 12 * C));
    const __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), s.scale);
    return _mm256_fmadd_ps(_mm256_fnmadd_ps(_mm256_cvtepi32_ps(min), s.min, scaled), d, f);
  }
  f = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), _mm256_mul_ps(s.scale, d), f);
  if constexpr (kHeader == Header::kScaleMin || kHeader == Header::kNested) {
    const __m256 d_sum = _mm256_broadcast_ss(reinterpret_cast<const float*>(p + 8 * C));
    f = kHeader == Header::kNested ? _mm256_fnmadd_ps(s.min, d_sum, f)
                                   : _mm256_fmadd_ps(s.min, d_sum, f);
  }
  return f;
}

// Both halves' scales of 8 rows as numbers, from E4M3 bytes: their 256th parts.
inline void small_floats(const Byte* own, int rows, __m256 (&scale)[2]) {
  const __m128i pairs = _mm_loadu_si128(reinterpret_cast<const __m128i*>(own + 16 * rows));
  const __m128i mask = _mm_set1_epi16(0x3f80);
  scale[0] = _mm256_cvtph_ps(_mm_and_si128(_mm_slli_epi16(pairs, 7), mask));
  scale[1] = _mm256_cvtph_ps(_mm_and_si128(_mm_srli_epi16(pairs, 1), mask));
}

// What a half's sums are without the offset of their quants, 16.
template <int Half>
inline __m256 half_sum(Ints sum, Ints half_sums) {
  const Ints zeros = Half == 0 ? _mm256_srai_epi32(_mm256_slli_epi32(half_sums, 16), 12)
                               : _mm256_slli_epi32(_mm256_srai_epi32(half_sums, 16), 4);
  return _mm256_cvtepi32_ps(_mm256_sub_epi32(sum, zeros));
}

// f plus the shares of a tile whose halves have small floats as scales.
template <Packing P, int Form, int C>
inline void add_small_floats(const Byte* tile, const Byte* own, const Byte* x, __m256 (&f)[2][C]) {
  constexpr PackingInfo kInfo = quant::packing_info(P);
  static_assert(kInfo.zero == 16);
  constexpr int kEnd = segments(kInfo.width, kInfo.header);
  const Ints none[2] = {};
  Sums<C> first, second;
  dot<Form, kInfo.width, kInfo.header, C, 0, 0, kEnd / 2>(tile, x, none, first);
  dot<Form, kInfo.width, kInfo.header, C, kEnd / 2, kEnd / 2, kEnd>(tile, x, none, second);
  for (int rows = 0; rows < 2; ++rows) {
    __m256 scale[2];
    small_floats(own, rows, scale);
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
      const Byte* p = x + kTileColumns * C + 4 * c;
      const Ints half_sums = broadcast(p + 12 * C);
      __m256 both = _mm256_mul_ps(half_sum<0>(first.v[rows][c], half_sums), scale[0]);
      both = _mm256_fmadd_ps(half_sum<1>(second.v[rows][c], half_sums), scale[1], both);
      const __m256 d = _mm256_broadcast_ss(reinterpret_cast<const float*>(p));
      f[rows][c] = _mm256_fmadd_ps(both, _mm256_mul_ps(_mm256_set1_ps(128.0f), d), f[rows][c]);
    }
  }
}

// f plus the shares of a tile; d and m are the chunk's, for the upper and lower 8 rows.
template <Packing P, int Form, int C>
inline void add_tile(const Byte* tile, const Byte* own, const __m256 (&d)[2], const __m256 (&m)[2],
                     const Byte* x, __m256 (&f)[2][C]) {
  constexpr PackingInfo kInfo = quant::packing_info(P);
  const Scales s0 = tile_scales<kInfo.header>(own, d[0], m[0], 0);
  const Scales s1 = tile_scales<kInfo.header>(own, d[1], m[1], 1);
  const Ints pairs[2] = {s0.pairs, s1.pairs};
  Sums<C> sum;
  dot<Form, kInfo.width, kInfo.header, C, 0, 0, segments(kInfo.width, kInfo.header)>(tile, x, pairs,
                                                                                     sum);
#pragma GCC unroll 8
  for (int c = 0; c < C; ++c) {
    const Byte* p = x + kTileColumns * C + 4 * c;
    f[0][c] = add_share<P, C>(s0, sum.v[0][c], p, f[0][c]);
    f[1][c] = add_share<P, C>(s1, sum.v[1][c], p, f[1][c]);
  }
}

// Writes 16 rows of one token, or the first `rows` of them.
inline void store(const LinearJob& job, std::size_t row, std::size_t token, __m256 f0, __m256 f1) {
  float* out = job.out + token * job.out_stride + row;
  if (row + kGroupRows <= job.rows) {
    if (job.bias != nullptr) {
      f0 = _mm256_add_ps(f0, _mm256_loadu_ps(job.bias + row));
      f1 = _mm256_add_ps(f1, _mm256_loadu_ps(job.bias + row + 8));
    }
    if (job.add) {
      f0 = _mm256_add_ps(_mm256_loadu_ps(out), f0);
      f1 = _mm256_add_ps(_mm256_loadu_ps(out + 8), f1);
    }
    _mm256_storeu_ps(out, f0);
    _mm256_storeu_ps(out + 8, f1);
    return;
  }
  alignas(32) float f[kGroupRows];
  _mm256_store_ps(f, f0);
  _mm256_store_ps(f + 8, f1);
  for (std::size_t r = 0; row + r < job.rows; ++r) {
    const float v = job.bias != nullptr ? f[r] + job.bias[row + r] : f[r];
    out[r] = job.add ? out[r] + v : v;
  }
}

// 16 rows x C tokens.   w: the rows' group; panel: its expanded quants, or null;
// x: the activations' tile
template <Packing P, bool FromPanel, int C>
void tile_product(const LinearJob& job, std::size_t row, const Byte* w, const Byte* x,
                  std::size_t token) {
  constexpr PackingInfo kInfo = quant::packing_info(P);
  constexpr Header kHeader = kInfo.header;
  // Quants of 8 bits in a panel are as those that are stored so.
  constexpr int kForm = !FromPanel ? form_of(kInfo) : kInfo.width == 8 ? 8 : kPanelForm;
  constexpr std::size_t kTileBytes = FromPanel ? 512 : quant::tile_bytes(kInfo.bits);
  constexpr bool kWide = kHeader == Header::kSigned || kHeader == Header::kSignedHalves;
  __m256 f[2][C];
#pragma GCC unroll 8
  for (int c = 0; c < C; ++c) f[0][c] = f[1][c] = _mm256_setzero_ps();
  const Byte* panel = job.panel;
  const bool from_memory = !FromPanel && token == 0;  // later tokens find it in the cache
  for (std::size_t k = 0; k < job.columns; k += kChunkColumns) {
    const std::size_t tiles = tiles_from(k, job.columns);
    const Byte* q = FromPanel ? panel : w + quant::header_bytes(kHeader, tiles);
    const __m256 d[2] = {kWide ? load_floats(w) : load_halves(w),
                         kWide ? load_floats(w + 32) : load_halves(w + 16)};
    const __m256 m[2] = {load_halves(w + 32), load_halves(w + 48)};
    for (std::size_t t = 0; t < tiles; ++t, q += kTileBytes, x += kActivationBytes * C) {
      const Byte* own = w + quant::header_tile(kHeader, t);
      if (from_memory) prefetch_ahead<kHeader, kTileBytes>(w, t);
      if constexpr (kHeader == Header::kSmallFloats)
        add_small_floats<P, kForm, C>(q, own, x, f);
      else
        add_tile<P, kForm, C>(q, own, d, m, x, f);
    }
    panel += tiles * kTileBytes;
    w += quant::header_bytes(kHeader, tiles) + tiles * quant::tile_bytes(kInfo.bits);
  }
#pragma GCC unroll 8
  for (int c = 0; c < C; ++c) store(job, row, token + c, f[0][c], f[1][c]);
}

template <int Form, int G>
inline void expand_tile(const Byte* tile, Byte* out) {
  if constexpr (G < 8) {
    for (int half = 0; half < 64; half += 32) {
      Ints q = codes<code_bits(Form), G>(tile + half);
      if constexpr (table_of(Form) != Table::kNone) q = look_up<table_of(Form), Plane::kAll>(q);
      _mm256_storeu_si256(reinterpret_cast<Ints*>(out + 64 * G + half), q);
    }
    expand_tile<Form, G + 1>(tile, out);
  }
}

template <Packing P>
void expand(const Byte* w, std::size_t columns, Byte* panel) {
  constexpr PackingInfo kInfo = quant::packing_info(P);
  for (std::size_t k = 0; k < columns; k += kChunkColumns) {
    const std::size_t tiles = tiles_from(k, columns);
    const Byte* q = w + quant::header_bytes(kInfo.header, tiles);
    for (std::size_t t = 0; t < tiles; ++t, q += quant::tile_bytes(kInfo.bits), panel += 512) {
      prefetch_ahead<kInfo.header, quant::tile_bytes(kInfo.bits)>(w, t);
      expand_tile<form_of(kInfo), 0>(q, panel);
    }
    w += quant::chunk_bytes(P, tiles);
  }
}

using TileProduct = void(const LinearJob&, std::size_t row, const Byte* w, const Byte* x,
                         std::size_t token);

template <Packing P>
void groups(const LinearJob& job, std::size_t begin, std::size_t end) {
  constexpr TileProduct* kDirect[] = {tile_product<P, false, 1>, tile_product<P, false, 2>,
                                      tile_product<P, false, 3>, tile_product<P, false, 4>,
                                      tile_product<P, false, 5>, tile_product<P, false, 6>};
  constexpr TileProduct* kPanel[] = {tile_product<P, true, 5>, tile_product<P, true, 6>};
  constexpr bool kHasPanel = quant::packing_info(P).bits != 8;  // a panel of bytes is the packing
  const std::size_t tokens = job.tiles * job.tile_tokens + job.wider;
  const bool panel = kHasPanel && tokens >= kPanelTokens;
  const std::size_t bytes = quant::group_bytes(P, job.columns);
  for (std::size_t g = begin; g < end; ++g) {
    const Byte* w = job.w + g * bytes;
    if constexpr (kHasPanel)
      if (panel) expand<P>(w, job.columns, job.panel);
    std::size_t token = 0;
    for (std::size_t i = 0; i < job.tiles; ++i) {
      const std::size_t n = job.tile_tokens + (i < job.wider ? 1 : 0);
      const Byte* x = job.x + token * activation_bytes(job.columns);
      TileProduct* product = panel && n >= 5 ? kPanel[n - 5] : kDirect[n - 1];
      product(job, g * kGroupRows, w, x, token);
      token += n;
    }
  }
}

// 8 values times `inverse` to the nearest integers, ties to even; 0 where the product is no number
// of the range.
inline Ints quantise(__m256 x, __m256 inverse) {
  const __m256 scaled = _mm256_mul_ps(x, inverse);
  const __m256 size = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), scaled);
  const __m256 good = _mm256_cmp_ps(size, _mm256_set1_ps(127.5f), _CMP_LE_OQ);
  return _mm256_cvtps_epi32(_mm256_and_ps(scaled, good));
}

inline int sum_of(Ints v) {
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

// The largest magnitude of 32 values, compared as bits: a NaN is larger than all.
inline float largest(const __m256 (&x)[4]) {
  const Ints mask = _mm256_set1_epi32(0x7fffffff);
  Ints top = _mm256_setzero_si256();
  for (const __m256& v : x)
    top = _mm256_max_epi32(top, _mm256_and_si256(_mm256_castps_si256(v), mask));
  __m128i m = _mm_max_epi32(_mm256_castsi256_si128(top), _mm256_extracti128_si256(top, 1));
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1));
  return _mm_cvtss_f32(_mm_castsi128_ps(m));
}

void quantise_block(const float* from, Byte* q, float* d, int* sum, float* d_sum, short* halves) {
  __m256 x[4];
  for (int i = 0; i < 4; ++i) x[i] = _mm256_loadu_ps(from + 8 * i);
  const float max = largest(x);
  const __m256 inverse = _mm256_set1_ps(max > 0 ? 127.0f / max : 0.0f);
  Ints v[4];
  for (int i = 0; i < 4; ++i) v[i] = quantise(x[i], inverse);
  const int half0 = sum_of(_mm256_add_epi32(v[0], v[1]));
  const int half1 = sum_of(_mm256_add_epi32(v[2], v[3]));
  const Ints bytes =
      _mm256_packs_epi16(_mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]));
  const Ints order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  _mm256_storeu_si256(reinterpret_cast<Ints*>(q), _mm256_permutevar8x32_epi32(bytes, order));
  *d = max / 127.0f;
  *sum = half0 + half1;
  *d_sum = *d * static_cast<float>(half0 + half1);
  halves[0] = static_cast<short>(half0);
  halves[1] = static_cast<short>(half1);
}

}  // namespace

void quantize_tile_avx2(const float* x, std::size_t tokens, std::size_t columns,
                        unsigned char* out) noexcept {
  quantize_tile(x, tokens, columns, out, quantise_block);
}

void linear_groups_avx2(const LinearJob& job, std::size_t begin, std::size_t end) noexcept {
  for_packing(job.packing, [&]<Packing P>() { groups<P>(job, begin, end); });
}

}  // namespace aquilon::kernels
