#include "kernels/attention/attention.h"

#include <cmath>
#include <vector>

namespace aquilon::kernels {

std::span<const Impl<AttentionHead>> attention_impls() {
  static constexpr Impl<AttentionHead> kImpls[] = {
#if defined(__x86_64__)
    {Isa::kAvx2, attention_head_avx2},
#endif
    {Isa::kRef, attention_head_ref},
  };
  return kImpls;
}

void attention(ThreadPool& pool, const float* q, const KvView& kv, std::size_t position,
               std::size_t tokens, std::size_t n_heads, std::size_t n_kv_heads,
               std::size_t head_dim, float* out) noexcept {
  static AttentionHead* const head_fn = choose(attention_impls());
  const float scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
  const std::size_t group = n_heads / n_kv_heads;
  // Long tokens first and one task a (token, head): even shares at every depth.
  pool.run(tokens * n_heads, [&](std::size_t task) {
    thread_local std::vector<float> scores;
    const std::size_t t = tokens - 1 - task / n_heads;
    const std::size_t h = task % n_heads;
    const std::size_t length = position + t + 1;
    if (scores.size() < length) scores.resize(length);
    const std::size_t head = h / group * kv.capacity * head_dim;
    const std::size_t at = (t * n_heads + h) * head_dim;
    head_fn(q + at, kv.k + head, kv.v + head, length, head_dim, scale, scores.data(), out + at);
  });
}

}  // namespace aquilon::kernels
