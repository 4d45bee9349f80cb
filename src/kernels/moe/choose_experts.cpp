#include "kernels/moe/choose_experts.h"

#include <algorithm>
#include <cmath>

namespace aquilon::kernels {
namespace {

// Whether expert a goes before b.
bool before(const float* logits, std::uint32_t a, std::uint32_t b) {
  if (std::isnan(logits[a]) || std::isnan(logits[b]))
    return std::isnan(logits[a]) == std::isnan(logits[b]) ? a < b : std::isnan(logits[b]);
  return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
}

}  // namespace

void choose_experts(const float* logits, std::size_t n, std::size_t used, bool renormalised,
                    ExpertChoice* chosen) noexcept {
  // Insertion into a short sorted list: most experts are compared with its last entry alone.
  std::size_t filled = 0;
  for (std::uint32_t e = 0; e < n; ++e) {
    if (filled == used && !before(logits, e, chosen[used - 1].expert)) continue;
    std::size_t at = filled < used ? filled++ : used - 1;
    for (; at > 0 && before(logits, e, chosen[at - 1].expert); --at) chosen[at] = chosen[at - 1];
    chosen[at] = {e, 0};
  }
  const double highest = logits[chosen[0].expert];
  const auto weight = [&](std::size_t e) { return std::exp(logits[e] - highest); };
  double total = 0;
  if (renormalised)
    for (std::size_t i = 0; i < used; ++i) total += weight(chosen[i].expert);
  else
    for (std::size_t e = 0; e < n; ++e) total += weight(e);
  for (std::size_t i = 0; i < used; ++i)
    chosen[i].share = static_cast<float>(weight(chosen[i].expert) / total);
}

}  // namespace aquilon::kernels
