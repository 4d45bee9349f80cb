// How far a run's predictions are from those of a base (eval/base_file.h).
#pragma once

#include "eval/base_file.h"
#include "eval/running_mean.h"

namespace aquilon::eval {

// Threads: one user at a time.
class Divergence {
 public:
  // The base's and this run's prediction at the same position.
  void add(const BaseRecord& base, const Prediction& prediction);

  // sum over classes of p_base (log p_base - log p), the classes being the ids that the base keeps
  // and all others together. Grouping can only lower it: outside() says how much may be hidden.
  const RunningMean& kl() const { return kl_; }
  // |log p - log p_base| of the text's next token.
  const RunningMean& logprob_distance() const { return distance_; }
  // Probability that the base gives to the ids that it does not keep.
  const RunningMean& outside() const { return outside_; }
  // 1 where both have the same best token, else 0.
  const RunningMean& same_best() const { return same_best_; }
  // log p_base - log p of the next token: exp of its mean is the ratio of the perplexities.
  const RunningMean& log_ratio() const { return log_ratio_; }

 private:
  RunningMean kl_, distance_, outside_, same_best_, log_ratio_;
};

}  // namespace aquilon::eval
