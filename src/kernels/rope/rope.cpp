#include "kernels/rope/rope.h"

namespace aquilon::kernels {

void rope(float* x, const float* cos, const float* sin, std::size_t tokens, std::size_t heads,
          std::size_t head_dim, std::size_t rotated, RopeLayout layout) noexcept {
  const std::size_t pairs = rotated / 2;
  const std::size_t stride = layout == RopeLayout::kInterleaved ? 2 : 1;
  const std::size_t partner = layout == RopeLayout::kInterleaved ? 1 : pairs;
  for (std::size_t t = 0; t < tokens; ++t)
    for (std::size_t h = 0; h < heads; ++h) {
      float* head = x + (t * heads + h) * head_dim;
      for (std::size_t i = 0; i < pairs; ++i) {
        const float c = cos[t * pairs + i];
        const float s = sin[t * pairs + i];
        float& a = head[i * stride];
        float& b = head[i * stride + partner];
        const float turned = a * c - b * s;
        b = a * s + b * c;
        a = turned;
      }
    }
}

}  // namespace aquilon::kernels
