// 16 rows x C tokens at a time. A vector holds 4 columns of 16 rows, and one instruction adds their
// products with 4 activations to 32-bit sums, which a tile cannot overflow. The offset of the
// quants costs nothing: the sums begin at minus offset times the sum of the activations.
//
// Few tokens multiply straight from the packed form: a tile is unpacked into registers, then the
// tokens pass by. Many share a panel of unpacked quants.
#ifndef AQUILON_EMULATED_AVX512  // linear_emulated_test.cpp has its own
#include <immintrin.h>
#endif

#include "kernels/linear/linear_tiles_internal.h"

namespace aquilon::kernels {
namespace {

using quant::Header;
using quant::kChunkColumns;
using quant::kGroupRows;
using quant::kTileColumns;
using quant::Packing;
using quant::PackingInfo;
using Byte = unsigned char;
using Ints = __m512i;
using Floats = __m512;

constexpr int kMaxTokens = 12;                // of a tile: their sums stay in registers
constexpr std::size_t kPanelTokens = 128;     // from here on a panel pays
constexpr std::size_t kPanelGroups = 2;       // that share the activations while in the cache
constexpr std::size_t kTileQuants = 16 * 32;  // bytes of a panel's tile

// A form of tiles for kernels that share it whichever table there is.
constexpr int kLookedUp = kForms;
constexpr int shared_form(const PackingInfo& info) {
  return info.bits + (info.table != quant::Table::kNone ? kLookedUp : 0);
}

inline Ints load(const Byte* p) {
  return _mm512_loadu_si512(p);
}
inline Floats load_halves(const Byte* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline Floats load_bytes(const Byte* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
}
inline Floats broadcast_float(const Byte* p) {
  return _mm512_set1_ps(*reinterpret_cast<const float*>(p));
}

// sum + the products of each row's 4 quants with the 4 activations at x. As assembly because GCC
// would load x into a register of its own.
inline Ints add_products(Ints sum, Ints quants, const Byte* x) {
  const int& four = *reinterpret_cast<const int*>(x);
#ifdef AQUILON_EMULATED_AVX512
  return _mm512_dpbusd_epi32(sum, quants, _mm512_set1_epi32(four));
#else
  asm("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(quants), "m"(four));
  return sum;
#endif
}
// The same for 2 x 16 bits: here the sums of both halves of a token's activations.
inline Ints multiply_sums(Ints factors, const Byte* sums) {
  const int& two = *reinterpret_cast<const int*>(sums);
#ifdef AQUILON_EMULATED_AVX512
  return _mm512_dpwssd_epi32(_mm512_setzero_si512(), factors, _mm512_set1_epi32(two));
#else
  Ints sum = _mm512_setzero_si512();
  asm("vpdpwssd %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(factors), "m"(two));
  return sum;
#endif
}

// x moved left by N bits, right by -N; bits that leave their byte are masked off by the caller.
template <int N>
inline Ints shift(Ints x) {
  if constexpr (N > 0) return _mm512_slli_epi16(x, N);
  if constexpr (N < 0) return _mm512_srli_epi16(x, -N);
  return x;
}

constexpr int kMaskedOr = 0xf8;  // a | (b & c)

// The codes of columns 4 G .. 4 G + 3 of a tile.
template <int Bits, int G>
inline Ints unpack_codes(const Byte* tile) {
  if constexpr (Bits < 4) {
    const Ints line = load(tile + 64 * (G / 4));
    const Ints low = _mm512_and_si512(shift<-2 * (G % 4)>(line), _mm512_set1_epi8(3));
    if constexpr (Bits == 2) return low;
    const Ints third = shift<2 - G>(load(tile + 128));
    return _mm512_ternarylogic_epi32(low, third, _mm512_set1_epi8(4), kMaskedOr);
  } else {
    const Ints line = load(tile + 64 * (G / 2));
    const Ints low = _mm512_and_si512(shift < G % 2 == 1 ? -4 : 0 > (line), _mm512_set1_epi8(15));
    if constexpr (Bits == 4) return low;
    if constexpr (Bits == 5) {
      const Ints fifth = shift<4 - G>(load(tile + 256));
      return _mm512_ternarylogic_epi32(low, fifth, _mm512_set1_epi8(16), kMaskedOr);
    }
    if constexpr (Bits == 6) {
      const Ints top = shift<4 - 2 * (G % 4)>(load(tile + 256 + 64 * (G / 4)));
      return _mm512_ternarylogic_epi32(low, top, _mm512_set1_epi8(48), kMaskedOr);
    }
  }
}

// Their quants.   table: four times the packing's, where Form looks codes up
template <int Form, int G>
inline Ints unpack(const Byte* tile, Ints table) {
  const Ints codes = unpack_codes<code_bits(Form), G>(tile);
  if constexpr (Form < kLookedUp) return codes;
  return _mm512_shuffle_epi8(table, codes);
}

inline Ints load_table(const PackingInfo& info) {
  const auto* values = reinterpret_cast<const __m128i*>(quant::value_table(info.table).values);
  return _mm512_broadcast_i32x4(_mm_loadu_si128(values));
}

// A tile's quants: unpacked in registers, or a byte each in memory.
template <int Form>
struct Quants {
  Quants(const Byte* tile, Ints table)
      : lines{unpack<Form, 0>(tile, table), unpack<Form, 1>(tile, table),
              unpack<Form, 2>(tile, table), unpack<Form, 3>(tile, table),
              unpack<Form, 4>(tile, table), unpack<Form, 5>(tile, table),
              unpack<Form, 6>(tile, table), unpack<Form, 7>(tile, table)} {}
  Ints line(int g) const { return lines[g]; }
  Ints lines[8];
};
template <>
struct Quants<8> {
  Quants(const Byte* at, Ints) : tile(at) {}
  Ints line(int g) const { return load(tile + 64 * g); }
  const Byte* tile;
};

// What a tile's scales are; d and m are the chunk's where scales are nested.
struct Scales {
  Floats scale;
  Floats min;      // added: kScaleMin; subtracted: kNested, kHalvesMin
  Floats half[2];  // the halves' own: whole numbers, or small floats
  Ints half_min;   // kHalvesMin: 2 x 16 bits
};

// 16 powers of two, as half_power() in blocks_load.h has them.
inline Floats load_powers(const Byte* p) {
  const Ints e = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  const Ints normal = _mm512_slli_epi32(_mm512_sub_epi32(e, _mm512_set1_epi32(1)), 23);
  const Ints small =
      _mm512_sllv_epi32(_mm512_set1_epi32(0x200000), _mm512_min_epi32(e, _mm512_set1_epi32(2)));
  return _mm512_castsi512_ps(_mm512_max_epi32(normal, small));
}

// Scales of both halves: 16 pairs of signed bytes.
inline void split_halves(__m256i pairs, Floats (&half)[2]) {
  const Ints wide = _mm512_cvtepi8_epi16(pairs);
  half[0] = _mm512_cvtepi32_ps(_mm512_madd_epi16(wide, _mm512_set1_epi32(1)));
  half[1] = _mm512_cvtepi32_ps(_mm512_madd_epi16(wide, _mm512_set1_epi32(1 << 16)));
}

template <Header H>
[[gnu::always_inline]] inline Scales half_scales(const Byte* chunk, const Byte* own) {
  Scales s{};
  const __m256i pairs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(own));
  if constexpr (H == Header::kHalves || H == Header::kHalvesMin) s.scale = load_halves(chunk);
  if constexpr (H == Header::kSignedHalves)
    s.scale = _mm512_loadu_ps(reinterpret_cast<const float*>(chunk));
  if constexpr (H == Header::kHalves || H == Header::kSignedHalves) split_halves(pairs, s.half);
  if constexpr (H == Header::kHalvesMin) {
    const __m256i nibble = _mm256_set1_epi8(15);
    split_halves(_mm256_and_si256(pairs, nibble), s.half);
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(pairs, 4), nibble);
    s.half_min = _mm512_cvtepi8_epi16(high);
    s.min = load_halves(chunk + 32);
  }
  if constexpr (H == Header::kSmallFloats) {  // E4M3 as halves: their 256th parts
    const __m256i mask = _mm256_set1_epi16(0x3f80);
    s.scale = _mm512_set1_ps(128.0f);
    s.half[0] = _mm512_cvtph_ps(_mm256_and_si256(_mm256_slli_epi16(pairs, 7), mask));
    s.half[1] = _mm512_cvtph_ps(_mm256_and_si256(_mm256_srli_epi16(pairs, 1), mask));
  }
  return s;
}

template <Header H>
[[gnu::always_inline]] inline Scales tile_scales(const Byte* chunk, const Byte* own) {
  if constexpr (quant::in_halves(H)) return half_scales<H>(chunk, own);
  Scales s{};
  if constexpr (H == Header::kScale || H == Header::kScaleMin) s.scale = load_halves(own);
  if constexpr (H == Header::kScaleMin) s.min = load_halves(own + 32);
  if constexpr (H == Header::kNested) {
    s.scale = _mm512_mul_ps(load_halves(chunk), load_bytes(own));
    s.min = _mm512_mul_ps(load_halves(chunk + 32), load_bytes(own + 16));
  }
  if constexpr (H == Header::kSigned) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(own));
    s.scale = _mm512_mul_ps(_mm512_loadu_ps(reinterpret_cast<const float*>(chunk)),
                            _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)));
  }
  if constexpr (H == Header::kPowers) s.scale = load_powers(own);
  return s;
}

// Adds the products of the steps Begin .. End - 1 of 4 columns to the sums of N tokens.
template <int Form, int Begin, int End, int N>
[[gnu::always_inline]] inline void dot(const Quants<Form>& quants, const Byte* x, Ints (&sum)[N]) {
#pragma GCC unroll 8
  for (int g = Begin; g < End; ++g) {
    const Ints line = quants.line(g);
#pragma GCC unroll 12
    for (int c = 0; c < N; ++c) sum[c] = add_products(sum[c], line, x + kTileColumns * c + 4 * g);
  }
}

// Sums of q_w q_x over a tile for N tokens, the offset removed. `numbers`: what follows the tile's
// activations, for the first of the N. With scales in halves each times its scale: whole numbers
// below 2^24, so that floats lose nothing; with kSmallFloats the first of the two is exact.
template <Header H, int Form, int C, int N>
[[gnu::always_inline]] inline void exact_sums(const Quants<Form>& quants, const Scales& s,
                                              const Ints (&minus_zero)[2], const Byte* x,
                                              const Byte* numbers, Floats (&exact)[N]) {
  constexpr int kParts = quant::in_halves(H) ? 2 : 1;
#pragma GCC unroll 2
  for (int part = 0; part < kParts; ++part) {
    Ints sum[N];
#pragma GCC unroll 12
    for (int c = 0; c < N; ++c)
      sum[c] = H == Header::kScaleMin || H == Header::kNested || H == Header::kHalvesMin
                   ? _mm512_setzero_si512()
                   : multiply_sums(minus_zero[part], numbers + 12 * C + 4 * c);
    if constexpr (kParts == 1) dot<Form, 0, 8>(quants, x, sum);
    if (kParts == 2 && part == 0) dot<Form, 0, 4>(quants, x, sum);
    if (kParts == 2 && part == 1) dot<Form, 4, 8>(quants, x, sum);
#pragma GCC unroll 12
    for (int c = 0; c < N; ++c) {
      const Floats f = _mm512_cvtepi32_ps(sum[c]);
      if constexpr (kParts == 1) exact[c] = f;
      if (kParts == 2 && part == 0) exact[c] = _mm512_mul_ps(f, s.half[0]);
      if (kParts == 2 && part == 1) exact[c] = _mm512_fmadd_ps(f, s.half[1], exact[c]);
    }
  }
}

// Tokens whose sums are open at a time: enough to hide an instruction's latency, few enough for 32
// registers beside the quants and the results.
constexpr int block_tokens(Header header, int form, int tokens) {
  if (header == Header::kHalvesMin && form == 8) return 4;
  if (quant::in_halves(header)) return form == 8 ? 3 : 2;
  return form == 8 ? tokens : 4;
}

// f plus a tile's share for the tokens from First on.
template <Header H, int Form, int C, int First>
[[gnu::always_inline]] inline void add_tile(const Quants<Form>& quants, const Scales& s,
                                            const Ints (&minus_zero)[2], const Byte* x,
                                            Floats (&f)[C]) {
  if constexpr (First < C) {
    constexpr int kBlock = block_tokens(H, Form, C);
    constexpr int kN = kBlock < C - First ? kBlock : C - First;
    const Byte* numbers = x + kTileColumns * C + 4 * First;
    Floats exact[kN];
    exact_sums<H, Form, C>(quants, s, minus_zero, x + kTileColumns * First, numbers, exact);
#pragma GCC unroll 12
    for (int c = 0; c < kN; ++c) {
      Floats& to = f[First + c];
      if constexpr (H == Header::kHalvesMin) {
        const Ints min = multiply_sums(s.half_min, numbers + 12 * C + 4 * c);
        const Floats scaled = _mm512_mul_ps(exact[c], s.scale);
        const Floats both = _mm512_fnmadd_ps(_mm512_cvtepi32_ps(min), s.min, scaled);
        to = _mm512_fmadd_ps(both, broadcast_float(numbers + 4 * c), to);
        continue;
      }
      const Floats scale = _mm512_mul_ps(s.scale, broadcast_float(numbers + 4 * c));
      to = _mm512_fmadd_ps(exact[c], scale, to);
      const Floats d_sum = broadcast_float(numbers + 8 * C + 4 * c);
      if constexpr (H == Header::kScaleMin) to = _mm512_fmadd_ps(s.min, d_sum, to);
      if constexpr (H == Header::kNested) to = _mm512_fnmadd_ps(s.min, d_sum, to);
    }
    add_tile<H, Form, C, First + kN>(quants, s, minus_zero, x, f);
  }
}

// Writes 16 rows of one token, or as many as there are.
inline void store(const LinearJob& job, std::size_t row, std::size_t token, Floats f) {
  const std::size_t rows = job.rows - row;
  const auto mask = static_cast<__mmask16>(rows < kGroupRows ? (1u << rows) - 1 : 0xffff);
  float* out = job.out + token * job.out_stride + row;
  if (job.bias != nullptr) f = _mm512_add_ps(f, _mm512_maskz_loadu_ps(mask, job.bias + row));
  if (job.add) f = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, out), f);
  _mm512_mask_storeu_ps(out, mask, f);
}

// 16 rows x C tokens.   w: the rows' group; panel: its unpacked quants, or null;
// x: the activations' tile
template <Header H, int Form, int C>
void tile_product(const LinearJob& job, std::size_t row, const Byte* w, const Byte* panel,
                  const Byte* x, std::size_t token) {
  constexpr std::size_t kTileBytes = quant::tile_bytes(code_bits(Form));
  const PackingInfo& info = quant::packing_info(job.packing);
  const std::size_t packed_tile =
      quant::tile_bytes(info.bits);  // also where a panel has the quants
  const int zero = info.zero;
  const Ints table = Form > kLookedUp ? load_table(info) : _mm512_setzero_si512();
  Ints minus_zero[2] = {_mm512_set1_epi16(static_cast<short>(-zero)), _mm512_setzero_si512()};
  if constexpr (quant::in_halves(H)) {
    minus_zero[0] = _mm512_set1_epi32(-zero & 0xffff);
    minus_zero[1] = _mm512_set1_epi32(-zero * (1 << 16));
  }
  const bool from_memory = panel == nullptr && token == 0;  // later tokens find it in the cache
  Floats f[C];
#pragma GCC unroll 12
  for (int c = 0; c < C; ++c) f[c] = _mm512_setzero_ps();
  for (std::size_t k = 0; k < job.columns; k += kChunkColumns) {
    const std::size_t tiles = tiles_from(k, job.columns);
    const Byte* q = panel != nullptr ? panel + k * kGroupRows : w + quant::header_bytes(H, tiles);
    for (std::size_t t = 0; t < tiles; ++t) {
      const Scales s = tile_scales<H>(w, w + quant::header_tile(H, t));
      if (from_memory) prefetch_ahead<H, kTileBytes>(w, t);
      add_tile<H, Form, C, 0>(Quants<Form>(q, table), s, minus_zero, x, f);
      q += kTileBytes;
      x += kActivationBytes * C;
    }
    w += quant::header_bytes(H, tiles) + tiles * packed_tile;
  }
#pragma GCC unroll 12
  for (int c = 0; c < C; ++c) store(job, row, token + c, f[c]);
}

template <int Form, int G>
inline void unpack_tile(const Byte* tile, Ints table, Byte* out) {
  if constexpr (G < 8) {
    const Ints line = unpack<Form, G>(tile, table);
    _mm512_storeu_si512(out + 64 * G, line);
    unpack_tile<Form, G + 1>(tile, table, out);
  }
}

template <Packing P>
void unpack_group(const Byte* w, std::size_t columns, Byte* panel) {
  constexpr PackingInfo kInfo = quant::packing_info(P);
  constexpr int kForm = shared_form(kInfo);
  const Ints table = kForm > kLookedUp ? load_table(kInfo) : _mm512_setzero_si512();
  for (std::size_t k = 0; k < columns; k += kChunkColumns) {
    const std::size_t tiles = tiles_from(k, columns);
    const Byte* q = w + quant::header_bytes(kInfo.header, tiles);
    for (std::size_t t = 0; t < tiles; ++t, panel += kTileQuants) {
      const Byte* tile = q + t * quant::tile_bytes(kInfo.bits);
      prefetch_ahead<kInfo.header, quant::tile_bytes(kInfo.bits)>(w, t);
      unpack_tile<kForm, 0>(tile, table, panel);
    }
    w += quant::chunk_bytes(P, tiles);
  }
}

using TileProduct = void(const LinearJob&, std::size_t row, const Byte* w, const Byte* panel,
                         const Byte* x, std::size_t token);

// Products of tiles of `narrowest` tokens and more.
struct Products {
  std::size_t narrowest;
  TileProduct* product[kMaxTokens];
};
template <Header H, int Form>
constexpr Products kDirect{
    1,
    {tile_product<H, Form, 1>, tile_product<H, Form, 2>, tile_product<H, Form, 3>,
     tile_product<H, Form, 4>, tile_product<H, Form, 5>, tile_product<H, Form, 6>,
     tile_product<H, Form, 7>, tile_product<H, Form, 8>, tile_product<H, Form, 9>,
     tile_product<H, Form, 10>, tile_product<H, Form, 11>, tile_product<H, Form, 12>}};
template <Header H>
constexpr Products kFromPanel{9,
                              {tile_product<H, 8, 9>, tile_product<H, 8, 10>,
                               tile_product<H, 8, 11>, tile_product<H, 8, 12>}};

// All tokens for `count` groups from `group` on, whose panels follow each other, or null.
void all_tiles(const LinearJob& job, std::size_t group, std::size_t count, const Byte* panels,
               const Products& products) {
  const std::size_t bytes = quant::group_bytes(job.packing, job.columns);
  std::size_t token = 0;
  for (std::size_t i = 0; i < job.tiles; ++i) {
    const std::size_t n = job.tile_tokens + (i < job.wider ? 1 : 0);
    const Byte* x = job.x + token * activation_bytes(job.columns);
    TileProduct* const product = products.product[n - products.narrowest];
    for (std::size_t j = 0; j < count; ++j) {
      const Byte* panel = panels == nullptr ? nullptr : panels + j * kGroupRows * job.columns;
      product(job, (group + j) * kGroupRows, job.w + (group + j) * bytes, panel, x, token);
    }
    token += n;
  }
}

template <Packing P>
void groups(const LinearJob& job, std::size_t begin, std::size_t end) {
  constexpr PackingInfo kInfo = quant::packing_info(P);
  const std::size_t tokens = job.tiles * job.tile_tokens + job.wider;
  if constexpr (kInfo.bits != 8) {  // a panel of bytes is the packing
    constexpr const Products& kPanel = kFromPanel<kInfo.header>;
    if (tokens >= kPanelTokens && job.tile_tokens >= kPanel.narrowest) {
      for (std::size_t g = begin; g < end; g += kPanelGroups) {
        const std::size_t count = end - g < kPanelGroups ? end - g : kPanelGroups;
        for (std::size_t j = 0; j < count; ++j)
          unpack_group<P>(job.w + (g + j) * quant::group_bytes(P, job.columns), job.columns,
                          job.panel + j * kGroupRows * job.columns);
        all_tiles(job, g, count, job.panel, kPanel);
      }
      return;
    }
  }
  for (std::size_t g = begin; g < end; ++g)
    all_tiles(job, g, 1, nullptr, kDirect<kInfo.header, shared_form(kInfo)>);
}

// 16 values times `inverse` to the nearest integers, ties to even; 0 where the product is no
// number of the range.
inline Ints quantise(Floats x, Floats inverse) {
  const Floats scaled = _mm512_mul_ps(x, inverse);
  const __mmask16 good =
      _mm512_cmp_ps_mask(_mm512_abs_ps(scaled), _mm512_set1_ps(127.5f), _CMP_LE_OQ);
  return _mm512_cvtps_epi32(_mm512_maskz_mov_ps(good, scaled));
}

// The largest magnitude of 32 values, compared as bits: a NaN is larger than all.
inline float largest(Floats x0, Floats x1) {
  const Ints mask = _mm512_set1_epi32(0x7fffffff);
  const Ints top = _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(x0), mask),
                                    _mm512_and_si512(_mm512_castps_si512(x1), mask));
  return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(_mm512_reduce_max_epi32(top))));
}

void quantise_block(const float* from, Byte* q, float* d, int* sum, float* d_sum, short* halves) {
  const Floats x0 = _mm512_loadu_ps(from), x1 = _mm512_loadu_ps(from + 16);
  const float max = largest(x0, x1);
  const Floats inverse = _mm512_set1_ps(max > 0 ? 127.0f / max : 0.0f);
  const Ints v0 = quantise(x0, inverse), v1 = quantise(x1, inverse);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q), _mm512_cvtepi32_epi8(v0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(q + 16), _mm512_cvtepi32_epi8(v1));
  const int half0 = _mm512_reduce_add_epi32(v0), half1 = _mm512_reduce_add_epi32(v1);
  *d = max / 127.0f;
  *sum = half0 + half1;
  *d_sum = *d * static_cast<float>(half0 + half1);
  halves[0] = static_cast<short>(half0);
  halves[1] = static_cast<short>(half1);
}

}  // namespace

void quantize_tile_avx512(const float* x, std::size_t tokens, std::size_t columns,
                          unsigned char* out) noexcept {
  quantize_tile(x, tokens, columns, out, quantise_block);
}

void linear_groups_avx512(const LinearJob& job, std::size_t begin, std::size_t end) noexcept {
  for_packing(job.packing, [&]<Packing P>() { groups<P>(job, begin, end); });
}

}  // namespace aquilon::kernels
