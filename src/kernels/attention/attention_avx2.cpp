// Up to six rows at a time: 12 accumulators, two vectors of keys or values, one broadcast.
#include <immintrin.h>

#include "kernels/attention/attention_impl_internal.h"
#include "kernels/exp2_avx2_internal.h"

namespace aquilon::kernels {
namespace {

constexpr std::size_t kRows = 6;

struct Pair {
  __m256 low;   // elements 0 .. 7 of a group of 16
  __m256 high;  // 8 .. 15
};

template <KvType type>
inline Pair load_group(const std::byte* p) {
  if constexpr (type == KvType::kBf16) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    const __m256i mask = _mm256_set1_epi32(static_cast<int>(0xffff0000));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(x, 16)),
            _mm256_castsi256_ps(_mm256_and_si256(x, mask))};
  } else if constexpr (type == KvType::kF16) {
    const auto* x = reinterpret_cast<const __m128i*>(p);
    return {_mm256_cvtph_ps(_mm_loadu_si128(x)), _mm256_cvtph_ps(_mm_loadu_si128(x + 1))};
  } else {
    const auto* x = reinterpret_cast<const float*>(p);
    return {_mm256_loadu_ps(x), _mm256_loadu_ps(x + 8)};
  }
}

inline void prefetch(const std::byte* p) {
  _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0);
}

// Scores of R rows at the 16 positions of a key tile.
template <KvType type, std::size_t R>
void score_rows(const float* q, std::size_t head_dim, const std::byte* keys, const std::byte* next,
                float* scores) {
  constexpr std::size_t kStep = kPagePositions * kv_bytes(type);
  Pair sum[R];
#pragma GCC unroll 6
  for (std::size_t r = 0; r < R; ++r) sum[r] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
  for (std::size_t i = 0; i < head_dim; ++i) {
    const Pair k = load_group<type>(keys + i * kStep);
    prefetch(next + i * kStep);
#pragma GCC unroll 6
    for (std::size_t r = 0; r < R; ++r) {
      const __m256 x = _mm256_broadcast_ss(q + r * head_dim + i);
      sum[r].low = _mm256_fmadd_ps(x, k.low, sum[r].low);
      sum[r].high = _mm256_fmadd_ps(x, k.high, sum[r].high);
    }
  }
#pragma GCC unroll 6
  for (std::size_t r = 0; r < R; ++r) {
    _mm256_storeu_ps(scores + r * kBlockPositions, sum[r].low);
    _mm256_storeu_ps(scores + r * kBlockPositions + 8, sum[r].high);
  }
}

// Pages whose values are mixed together: their tiles stay in L1 while rows pass over them.
constexpr std::size_t kMixPages = 4;

// Consecutive pages and the positions taken of each.
struct PageRun {
  std::size_t first;
  std::size_t pages;
  std::size_t positions;  // 16 if pages > 1
  std::size_t next;       // page to prefetch
};

// Adds weighted values to the R rows from `first` on.
template <KvType type, std::size_t R>
void mix_rows(const AttentionBlock& b, std::size_t first, const PageRun& run) {
  for (std::size_t i = 0; i < b.row; i += 16) {
    float* const mixed = b.mixed + first * b.row + i;
    Pair sum[R];
#pragma GCC unroll 6
    for (std::size_t r = 0; r < R; ++r)
      sum[r] = {_mm256_loadu_ps(mixed + r * b.row), _mm256_loadu_ps(mixed + r * b.row + 8)};
    const std::size_t step = b.row * kv_bytes(type);
    for (std::size_t page = run.first; page < run.first + run.pages; ++page) {
      const float* weights = b.scores + first * kBlockPositions + page * kPagePositions;
      const std::byte* values = b.pages[page] + b.values + i * kv_bytes(type);
      const std::byte* next = b.pages[run.next + page - run.first] + b.values + i * kv_bytes(type);
      for (std::size_t p = 0; p < run.positions; ++p) {
        const Pair v = load_group<type>(values + p * step);
        prefetch(next + p * step);
#pragma GCC unroll 6
        for (std::size_t r = 0; r < R; ++r) {
          const __m256 w = _mm256_broadcast_ss(weights + r * kBlockPositions + p);
          sum[r].low = _mm256_fmadd_ps(w, v.low, sum[r].low);
          sum[r].high = _mm256_fmadd_ps(w, v.high, sum[r].high);
        }
      }
    }
#pragma GCC unroll 6
    for (std::size_t r = 0; r < R; ++r) {
      _mm256_storeu_ps(mixed + r * b.row, sum[r].low);
      _mm256_storeu_ps(mixed + r * b.row + 8, sum[r].high);
    }
  }
}

// All bits set in the lanes below n.
inline __m256 lanes_below(std::size_t n) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lane));
}

inline float highest_lane(__m256 v) {
  __m128 h = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  h = _mm_max_ps(h, _mm_movehl_ps(h, h));
  return _mm_cvtss_f32(_mm_max_ss(h, _mm_movehdup_ps(h)));
}

inline float sum_lanes(__m256 v) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

// Scores of a row become weights.
void soften_row(float* scores, std::size_t valid, float* highest, float* sum) {
  const std::size_t whole = valid / 8 * 8;
  const __m256 mask = lanes_below(valid - whole);
  __m256 high = _mm256_set1_ps(-__builtin_inff());
  for (std::size_t p = 0; p < whole; p += 8)
    high = _mm256_max_ps(_mm256_loadu_ps(scores + p), high);
  if (whole < valid) {
    const __m256 last =
        _mm256_blendv_ps(_mm256_set1_ps(-__builtin_inff()), _mm256_loadu_ps(scores + whole), mask);
    high = _mm256_max_ps(last, high);
  }
  *highest = highest_lane(high);
  const __m256 top = _mm256_set1_ps(*highest);
  __m256 total = _mm256_setzero_ps();
  for (std::size_t p = 0; p < whole; p += 8) {
    const __m256 w = exp2_of_nonpositive(_mm256_sub_ps(_mm256_loadu_ps(scores + p), top));
    _mm256_storeu_ps(scores + p, w);
    total = _mm256_add_ps(total, w);
  }
  if (whole < valid) {
    const __m256 w = exp2_of_nonpositive(_mm256_sub_ps(_mm256_loadu_ps(scores + whole), top));
    _mm256_storeu_ps(scores + whole, w);
    total = _mm256_add_ps(total, _mm256_and_ps(w, mask));
  }
  *sum = sum_lanes(total);
}

template <KvType type, std::size_t R>
void score_chunk(const AttentionBlock& b, std::size_t first, std::size_t page,
                 const std::byte* next) {
  score_rows<type, R>(b.q + first * b.head_dim, b.head_dim, b.pages[page] + b.keys, next,
                      b.scores + first * kBlockPositions + page * kPagePositions);
}

// Rows [first, b.rows) in equal chunks of at most kRows.
template <KvType type>
void score_page(const AttentionBlock& b, std::size_t first, std::size_t page,
                const std::byte* next) {
  for (std::size_t chunks = (b.rows - first + kRows - 1) / kRows; chunks > 0; --chunks) {
    const std::size_t n = (b.rows - first + chunks - 1) / chunks;
    switch (n) {
      case 1:
        score_chunk<type, 1>(b, first, page, next);
        break;
      case 2:
        score_chunk<type, 2>(b, first, page, next);
        break;
      case 3:
        score_chunk<type, 3>(b, first, page, next);
        break;
      case 4:
        score_chunk<type, 4>(b, first, page, next);
        break;
      case 5:
        score_chunk<type, 5>(b, first, page, next);
        break;
      default:
        score_chunk<type, 6>(b, first, page, next);
        break;
    }
    first += n;
    next = b.pages[page] + b.keys;  // once is enough
  }
}

// Rows [first, last), all of which see what the run takes.
template <KvType type>
void mix_run(const AttentionBlock& b, std::size_t first, std::size_t last, PageRun run) {
  for (std::size_t chunks = (last - first + kRows - 1) / kRows; chunks > 0; --chunks) {
    const std::size_t rows = (last - first + chunks - 1) / chunks;
    switch (rows) {
      case 1:
        mix_rows<type, 1>(b, first, run);
        break;
      case 2:
        mix_rows<type, 2>(b, first, run);
        break;
      case 3:
        mix_rows<type, 3>(b, first, run);
        break;
      case 4:
        mix_rows<type, 4>(b, first, run);
        break;
      case 5:
        mix_rows<type, 5>(b, first, run);
        break;
      default:
        mix_rows<type, 6>(b, first, run);
        break;
    }
    first += rows;
    run.next = run.first;  // once is enough
  }
}

// Positions of a page that a row sees.
inline std::size_t seen(const AttentionBlock& b, std::size_t row, std::size_t page) {
  const std::size_t before = page * kPagePositions;
  if (b.valid[row] <= before) return 0;
  const std::size_t n = b.valid[row] - before;
  return n < kPagePositions ? n : kPagePositions;
}

template <KvType type>
void score_block(const AttentionBlock& b, std::size_t pages) {
  for (std::size_t page = 0, first = 0; page < pages; ++page) {
    while (seen(b, first, page) == 0) ++first;
    const bool more = page + 1 < pages;
    score_page<type>(b, first, page, more ? b.pages[page + 1] + b.keys : b.pages[0] + b.values);
  }
}

template <KvType type>
void mix_block(const AttentionBlock& b, std::size_t pages) {
  for (std::size_t i = 0; i < b.rows * b.row; i += 8)
    _mm256_storeu_ps(b.mixed + i, _mm256_setzero_ps());
  for (std::size_t page = 0, first = 0; page < pages;) {
    while (seen(b, first, page) == 0) ++first;
    std::size_t whole = 0;  // pages that every row from `first` on sees whole
    while (whole < kMixPages && page + whole < pages &&
           seen(b, first, page + whole) == kPagePositions)
      ++whole;
    if (whole > 0) {
      const std::size_t next = page + 2 * whole <= pages ? page + whole : page;
      mix_run<type>(b, first, b.rows, {page, whole, kPagePositions, next});
      page += whole;
      continue;
    }
    for (std::size_t at = first, end; at < b.rows; at = end) {  // rows that see equally much
      const std::size_t n = seen(b, at, page);
      for (end = at + 1; end < b.rows && seen(b, end, page) == n;) ++end;
      mix_run<type>(b, at, end, {page, 1, n, page});
    }
    ++page;
  }
}

template <KvType type>
void run_block(const AttentionBlock& b) {
  const std::size_t pages = (b.valid[b.rows - 1] + kPagePositions - 1) / kPagePositions;
  score_block<type>(b, pages);
  for (std::size_t r = 0; r < b.rows; ++r)
    soften_row(b.scores + r * kBlockPositions, b.valid[r], b.highest + r, b.sum + r);
  mix_block<type>(b, pages);
}

}  // namespace

void attention_block_avx2(const AttentionBlock& block) noexcept {
  switch (block.type) {
    case KvType::kBf16:
      run_block<KvType::kBf16>(block);
      break;
    case KvType::kF16:
      run_block<KvType::kF16>(block);
      break;
    case KvType::kF32:
      run_block<KvType::kF32>(block);
      break;
  }
}

}  // namespace aquilon::kernels
