// Angles of the rotary embedding for every scaling that we run.
#pragma once

#include <cstddef>
#include <vector>

#include "model/config.h"

namespace aquilon::model {

// Frequencies of a model. Immutable. Threads: safe.
class RopeTable {
 public:
  // `divisors`: [dims / 2] of the file's rope_freqs.weight, or empty.
  RopeTable(const RopeConfig& config, const std::vector<float>& divisors);

  std::size_t pairs() const { return inverse_frequencies_.size(); }
  const std::vector<float>& inverse_frequencies() const { return inverse_frequencies_; }

  // Cosine and sine of every pair at `position`, times the attention factor.
  //   cos, sin  [pairs()]
  void fill(std::size_t position, float* cos, float* sin) const;

 private:
  std::vector<float> inverse_frequencies_;  // [E/2] radians a position
  float attention_factor_;
};

}  // namespace aquilon::model
