#include "kernels/attention/kv_store.h"

#include <algorithm>

#include "kernels/attention/kv_element.h"

namespace aquilon::kernels {
namespace {

constexpr std::size_t kTokensWorthThreads = 32;

// Tokens of one page and head.
//   k, v  [n, stride] from the first token on, E values of each are this head's
template <KvType type>
void store_run(std::byte* keys, std::byte* values, std::size_t lane, std::size_t n,
               std::size_t head_dim, std::size_t row, std::size_t stride, const float* k,
               const float* v) {
  for (std::size_t t = 0; t < n; ++t, k += stride, v += stride) {
    const std::size_t place = kv_place(type, lane + t);
    for (std::size_t i = 0; i < head_dim; ++i)
      kv_write(type, keys, i * kPagePositions + place, k[i]);
    std::byte* const out = values + (lane + t) * row * kv_bytes(type);
    for (std::size_t i = 0; i < head_dim; ++i) kv_write(type, out, kv_place(type, i), v[i]);
  }
}

void store_head(const KvLayout& layout, std::size_t layer, std::size_t head, const KvSlice& slice,
                const float* k, const float* v) {
  const auto run = layout.type == KvType::kBf16  ? store_run<KvType::kBf16>
                   : layout.type == KvType::kF16 ? store_run<KvType::kF16>
                                                 : store_run<KvType::kF32>;
  const std::size_t stride = layout.n_kv_heads * layout.head_dim;
  for (std::size_t done = 0; done < slice.tokens;) {
    const std::size_t position = slice.position + done;
    const std::size_t lane = position % kPagePositions;
    const std::size_t n = std::min(kPagePositions - lane, slice.tokens - done);
    std::byte* const page = slice.pages[position / kPagePositions];
    run(page + layout.keys(layer, head), page + layout.values(layer, head), lane, n,
        layout.head_dim, layout.row(), stride, k + done * stride, v + done * stride);
    done += n;
  }
}

}  // namespace

void store_kv(ThreadPool& pool, const KvLayout& layout, std::size_t layer,
              std::span<const KvSlice> batch, const float* k, const float* v) noexcept {
  std::size_t tokens = 0;
  for (const KvSlice& slice : batch) tokens += slice.tokens;
  const auto head_of_all = [&](std::size_t head) {
    std::size_t at = head * layout.head_dim;
    for (const KvSlice& slice : batch) {
      store_head(layout, layer, head, slice, k + at, v + at);
      at += slice.tokens * layout.n_kv_heads * layout.head_dim;
    }
  };
  if (tokens >= kTokensWorthThreads) {
    pool.run(layout.n_kv_heads, head_of_all);
  } else {
    for (std::size_t head = 0; head < layout.n_kv_heads; ++head) head_of_all(head);
  }
}

}  // namespace aquilon::kernels
