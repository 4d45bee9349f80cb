// The specification: scores, softmax and weighted sum in double.
#include <cmath>

#include "kernels/attention/attention_impl_internal.h"

namespace aquilon::kernels {

void attention_head_ref(const float* q, const float* k, const float* v, std::size_t length,
                        std::size_t head_dim, float scale, float* scores, float* out) noexcept {
  double highest = -INFINITY;
  for (std::size_t p = 0; p < length; ++p) {
    double dot = 0;
    for (std::size_t i = 0; i < head_dim; ++i)
      dot += static_cast<double>(q[i]) * k[p * head_dim + i];
    scores[p] = static_cast<float>(dot * scale);
    if (scores[p] > highest) highest = scores[p];
  }
  double total = 0;
  for (std::size_t p = 0; p < length; ++p) total += std::exp(scores[p] - highest);
  for (std::size_t i = 0; i < head_dim; ++i) {
    double sum = 0;
    for (std::size_t p = 0; p < length; ++p)
      sum += std::exp(scores[p] - highest) * v[p * head_dim + i];
    out[i] = static_cast<float>(sum / total);
  }
}

}  // namespace aquilon::kernels
