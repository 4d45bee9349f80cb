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

  // Cosine and sine of every pair at `position` in a text of `length` tokens, times the attention
  // factor. Only dynamic scaling asks for the length.
  //   cos, sin  [pairs()]
  void fill(std::size_t position, std::size_t length, float* cos, float* sin) const;
  // The frequencies there, in radians a position.
  //   out  [pairs()]
  void frequencies(std::size_t length, float* out) const;

 private:
  RopeConfig config_;
  std::vector<float> inverse_frequencies_;  // of a text within the trained context
};

}  // namespace aquilon::model
