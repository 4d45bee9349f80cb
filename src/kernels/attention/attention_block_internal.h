// The block kernel for any vector width. Included by files of one instruction set each, with that
// set's Simd in an unnamed namespace, so that nothing here is shared between them:
//
//   Group                 16 floats
//   kRows                 whose sums stay in registers beside a group
//   zero() all(x)         groups of one value
//   read(p) write(p, g)   16 floats in memory
//   load<type>(p)         16 stored elements, in order
//   add_product(s, x, g)  s + *x g, fused
//   subtract              lane by lane
//   above(g, least)       the larger, least where g is NaN
//   lanes(b, e, g, rest)  lanes b .. e - 1 of g, elsewhere rest
//   exp2(g)               2^g of values <= 0, NaN for NaN
//   highest(g)            of the lanes
//   fold(h, g) sum(h)     h, 8 floats, + lanes 0 .. 7, + lanes 8 .. 15; of the 8: the same bits on
//                         every instruction set
#pragma once

#include <immintrin.h>

#include <utility>

#include "kernels/attention/attention_impl_internal.h"

namespace aquilon::kernels {

inline constexpr std::size_t kGroupLanes = 16;

template <class Simd>
struct AttentionRows {
  using Group = typename Simd::Group;

  // Positions of a page.
  struct Positions {
    std::size_t begin;
    std::size_t end;

    bool none() const { return begin >= end; }
    bool all() const { return begin == 0 && end == kPagePositions; }
    bool operator==(const Positions&) const = default;
  };

  // Consecutive pages and the positions taken of each.
  struct PageRun {
    std::size_t first;
    std::size_t pages;
    Positions positions;  // all if pages > 1
    std::size_t next;     // page to prefetch
  };

  // Rows that see something of a page: those before have their end before it, those after begin
  // behind it.
  struct Rows {
    std::size_t first;
    std::size_t last;
  };

  // Pages whose values are mixed together: their tiles stay in L1 while rows pass over them.
  static constexpr std::size_t kMixPages = 4;

  static void prefetch(const std::byte* p) {
    _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0);
  }

  // Scores of R rows from `first` on at the 16 positions of a page.
  template <KvType type, std::size_t R>
  static void score_rows(const AttentionBlock& b, std::size_t first, std::size_t page,
                         const std::byte* next) {
    constexpr std::size_t kStep = kPagePositions * kv_bytes(type);
    const float* q = b.q + first * b.head_dim;
    const std::byte* keys = b.pages[page] + b.keys;
    Group sum[R];
#pragma GCC unroll 12
    for (std::size_t r = 0; r < R; ++r) sum[r] = Simd::zero();
    for (std::size_t i = 0; i < b.head_dim; ++i) {
      const Group k = Simd::template load<type>(keys + i * kStep);
      prefetch(next + i * kStep);
#pragma GCC unroll 12
      for (std::size_t r = 0; r < R; ++r)
        sum[r] = Simd::add_product(sum[r], q + r * b.head_dim + i, k);
    }
    float* scores = b.scores + first * kBlockPositions + page * kPagePositions;
#pragma GCC unroll 12
    for (std::size_t r = 0; r < R; ++r) Simd::write(scores + r * kBlockPositions, sum[r]);
  }

  // Adds weighted values to the R rows from `first` on.
  template <KvType type, std::size_t R>
  static void mix_rows(const AttentionBlock& b, std::size_t first, const PageRun& run) {
    const std::size_t step = b.row * kv_bytes(type);
    for (std::size_t i = 0; i < b.row; i += kGroupLanes) {
      float* const mixed = b.mixed + first * b.row + i;
      const std::size_t at = b.values + i * kv_bytes(type);
      Group sum[R];
#pragma GCC unroll 12
      for (std::size_t r = 0; r < R; ++r) sum[r] = Simd::read(mixed + r * b.row);
      for (std::size_t page = run.first; page < run.first + run.pages; ++page) {
        const float* weights = b.scores + first * kBlockPositions + page * kPagePositions;
        const std::byte* values = b.pages[page] + at;
        const std::byte* next = b.pages[run.next + page - run.first] + at;
        for (std::size_t p = run.positions.begin; p < run.positions.end; ++p) {
          const Group v = Simd::template load<type>(values + p * step);
          prefetch(next + p * step);
#pragma GCC unroll 12
          for (std::size_t r = 0; r < R; ++r)
            sum[r] = Simd::add_product(sum[r], weights + r * kBlockPositions + p, v);
        }
      }
#pragma GCC unroll 12
      for (std::size_t r = 0; r < R; ++r) Simd::write(mixed + r * b.row, sum[r]);
    }
  }

  // Scores of a row become weights.
  static void soften_row(float* scores, std::size_t begin, std::size_t end, float* highest,
                         float* sum) {
    const float least = -__builtin_inff();
    const std::size_t from = begin / kGroupLanes * kGroupLanes;
    Group high = Simd::all(least);
    for (std::size_t p = from; p < end; p += kGroupLanes)
      high = Simd::above(seen_lanes(begin, end, p, Simd::read(scores + p), least), high);
    *highest = Simd::highest(high);
    const Group top = Simd::all(*highest);
    typename Simd::Half total = Simd::zero_half();
    for (std::size_t p = from; p < end; p += kGroupLanes) {
      const Group w = Simd::exp2(Simd::subtract(Simd::read(scores + p), top));
      Simd::write(scores + p, w);
      total = Simd::fold(total, seen_lanes(begin, end, p, w, 0));
    }
    *sum = Simd::sum(total);
  }

  // The lanes of positions p .. p + 15 that are in [begin, end), elsewhere rest.
  static Group seen_lanes(std::size_t begin, std::size_t end, std::size_t p, Group g, float rest) {
    if (begin <= p && p + kGroupLanes <= end) return g;
    const std::size_t first = begin > p ? begin - p : 0;
    const std::size_t last = end - p < kGroupLanes ? end - p : kGroupLanes;
    return Simd::lanes(first, last, g, rest);
  }

  using ScoreRows = void(const AttentionBlock&, std::size_t, std::size_t, const std::byte*);
  using MixRows = void(const AttentionBlock&, std::size_t, const PageRun&);

  // Of r + 1 rows.
  template <KvType type, std::size_t... r>
  static ScoreRows* score_fn(std::size_t rows, std::index_sequence<r...>) {
    static constexpr ScoreRows* kFns[] = {score_rows<type, r + 1>...};
    return kFns[rows - 1];
  }
  template <KvType type, std::size_t... r>
  static MixRows* mix_fn(std::size_t rows, std::index_sequence<r...>) {
    static constexpr MixRows* kFns[] = {mix_rows<type, r + 1>...};
    return kFns[rows - 1];
  }

  // Calls fn(first, rows) for [first, last) in equal chunks of at most kRows.
  template <class Fn>
  static void in_chunks(std::size_t first, std::size_t last, const Fn& fn) {
    for (std::size_t left = (last - first + Simd::kRows - 1) / Simd::kRows; left > 0; --left) {
      const std::size_t rows = (last - first + left - 1) / left;
      fn(first, rows);
      first += rows;
    }
  }

  template <KvType type>
  static void score_page(const AttentionBlock& b, Rows some, std::size_t page,
                         const std::byte* next) {
    in_chunks(some.first, some.last, [&](std::size_t at, std::size_t rows) {
      score_fn<type>(rows, std::make_index_sequence<Simd::kRows>())(b, at, page, next);
      next = b.pages[page] + b.keys;  // once is enough
    });
  }

  // Rows [first, last), all of which see what the run takes.
  template <KvType type>
  static void mix_run(const AttentionBlock& b, std::size_t first, std::size_t last, PageRun run) {
    in_chunks(first, last, [&](std::size_t at, std::size_t rows) {
      mix_fn<type>(rows, std::make_index_sequence<Simd::kRows>())(b, at, run);
      run.next = run.first;  // once is enough
    });
  }

  // Positions of a page that a row sees.
  static Positions seen(const AttentionBlock& b, std::size_t row, std::size_t page) {
    const std::size_t before = page * kPagePositions;
    const auto in_page = [before](std::size_t p) {
      if (p <= before) return std::size_t{0};
      return p - before < kPagePositions ? p - before : kPagePositions;
    };
    return {in_page(b.begin[row]), in_page(b.end[row])};
  }

  // Moves on from the rows of an earlier page. Empty where a tile's windows leave a hole.
  static void advance(const AttentionBlock& b, std::size_t page, Rows& some) {
    const std::size_t before = page * kPagePositions;
    while (some.first < b.rows && b.end[some.first] <= before) ++some.first;
    if (some.last < some.first) some.last = some.first;
    while (some.last < b.rows && b.begin[some.last] < before + kPagePositions) ++some.last;
  }

  // Pages from `page` on, kMixPages at most, that all these rows and no others see whole.
  static std::size_t whole_pages(const AttentionBlock& b, std::size_t page, std::size_t pages,
                                 Rows some) {
    std::size_t n = 0;
    for (; n < kMixPages && page + n < pages; ++n) {
      const bool all =
          seen(b, some.first, page + n).all() && seen(b, some.last - 1, page + n).all();
      if (!all || (some.last < b.rows && !seen(b, some.last, page + n).none())) break;
    }
    return n;
  }

  template <KvType type>
  static void score_block(const AttentionBlock& b, std::size_t first, std::size_t pages) {
    Rows some{0, 0};
    for (std::size_t page = first; page < pages; ++page) {
      advance(b, page, some);
      const bool more = page + 1 < pages;
      score_page<type>(b, some, page,
                       more ? b.pages[page + 1] + b.keys : b.pages[first] + b.values);
    }
  }

  template <KvType type>
  static void mix_block(const AttentionBlock& b, std::size_t first, std::size_t pages) {
    for (std::size_t i = 0; i < b.rows * b.row; i += kGroupLanes)
      Simd::write(b.mixed + i, Simd::zero());
    Rows some{0, 0};
    for (std::size_t page = first; page < pages;) {
      advance(b, page, some);
      const std::size_t whole = some.first < some.last ? whole_pages(b, page, pages, some) : 0;
      if (whole > 0) {
        const std::size_t next = page + 2 * whole <= pages ? page + whole : page;
        mix_run<type>(b, some.first, some.last, {page, whole, {0, kPagePositions}, next});
        page += whole;
        continue;
      }
      for (std::size_t at = some.first, end; at < some.last; at = end) {  // that see the same
        const Positions same = seen(b, at, page);
        for (end = at + 1; end < some.last && seen(b, end, page) == same;) ++end;
        mix_run<type>(b, at, end, {page, 1, same, page});
      }
      ++page;
    }
  }

  template <KvType type>
  static void run_type(const AttentionBlock& b) {
    const std::size_t first = b.begin[0] / kPagePositions;
    const std::size_t pages = (b.end[b.rows - 1] + kPagePositions - 1) / kPagePositions;
    score_block<type>(b, first, pages);
    for (std::size_t r = 0; r < b.rows; ++r)
      soften_row(b.scores + r * kBlockPositions, b.begin[r], b.end[r], b.highest + r, b.sum + r);
    mix_block<type>(b, first, pages);
  }

  static void run(const AttentionBlock& b) {
    switch (b.type) {
      case KvType::kBf16:
        return run_type<KvType::kBf16>(b);
      case KvType::kF16:
        return run_type<KvType::kF16>(b);
      case KvType::kF32:
        return run_type<KvType::kF32>(b);
    }
  }
};

}  // namespace aquilon::kernels
