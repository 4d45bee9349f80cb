// The router of a mixture of experts: which experts a token goes to, and their shares.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aquilon::kernels {

struct ExpertChoice {
  std::uint32_t expert;
  float share;
};

// The `used` experts of the highest logits, highest first; of equal ones the one of lower number.
// What is no number comes last.
//   logits        [n]     f32
//   chosen        [used]  shares: softmax of the logits
//   renormalised  over the chosen (Mixtral, Qwen 3), so that shares add up to 1; else over all n
// Requires: 1 <= used <= n.  Errors: none.  Threads: safe; runs on the caller.
// Source: Shazeer et al. 2017, arXiv:1701.06538 section 2.1; Jiang et al. 2024, arXiv:2401.04088
// section 2.1.
void choose_experts(const float* logits, std::size_t n, std::size_t used, bool renormalised,
                    ExpertChoice* chosen) noexcept;

}  // namespace aquilon::kernels
