// The specification: scores, softmax and weighted sum in double, one row after the other.
#include <cmath>

#include "kernels/attention/attention_impl_internal.h"
#include "kernels/attention/kv_element.h"

namespace aquilon::kernels {
namespace {

double score(const AttentionBlock& b, const float* q, std::size_t p) {
  const std::byte* tile = b.pages[p / kPagePositions] + b.keys;
  const std::size_t place = kv_place(b.type, p % kPagePositions);
  double dot = 0;
  for (std::size_t i = 0; i < b.head_dim; ++i)
    dot += static_cast<double>(q[i]) * kv_read(b.type, tile, i * kPagePositions + place);
  return dot;
}

double value(const AttentionBlock& b, std::size_t p, std::size_t i) {
  const std::byte* tile = b.pages[p / kPagePositions] + b.values;
  return kv_read(b.type, tile, p % kPagePositions * b.row + kv_place(b.type, i));
}

}  // namespace

void attention_block_ref(const AttentionBlock& b) noexcept {
  for (std::size_t r = 0; r < b.rows; ++r) {
    float* scores = b.scores + r * kBlockPositions;
    float highest = -INFINITY;
    for (std::size_t p = b.begin[r]; p < b.end[r]; ++p) {
      scores[p] = static_cast<float>(score(b, b.q + r * b.head_dim, p));
      highest = std::fmax(highest, scores[p]);
    }
    double weights[kBlockPositions];
    double sum = 0;
    for (std::size_t p = b.begin[r]; p < b.end[r]; ++p)
      sum += weights[p] = std::exp2(static_cast<double>(scores[p]) - highest);
    for (std::size_t i = 0; i < b.head_dim; ++i) {
      double mixed = 0;
      for (std::size_t p = b.begin[r]; p < b.end[r]; ++p) mixed += weights[p] * value(b, p, i);
      b.mixed[r * b.row + i] = static_cast<float>(mixed);
    }
    b.highest[r] = highest;
    b.sum[r] = static_cast<float>(sum);
  }
}

}  // namespace aquilon::kernels
