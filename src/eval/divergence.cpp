#include "eval/divergence.h"

#include <algorithm>
#include <cmath>

namespace aquilon::eval {

void Divergence::add(const BaseRecord& base, const Prediction& prediction) {
  constexpr double kRounding = 1e-6;  // of f32 log-probabilities summed up: less is none
  double kl = 0;
  double base_mass = 0;
  double mass = 0;
  for (std::size_t i = 0; i < base.ids.size(); ++i) {
    const double p = std::exp(static_cast<double>(base.logprobs[i]));
    const double logprob = prediction.logprob(base.ids[i]);
    kl += p * (static_cast<double>(base.logprobs[i]) - logprob);
    base_mass += p;
    mass += std::exp(logprob);
  }
  const double rest = std::max(0.0, 1 - base_mass);
  if (rest > kRounding) kl += rest * std::log(rest / std::max(1 - mass, kRounding));
  kl_.add(std::max(kl, 0.0));
  outside_.add(rest);
  const double change =
      prediction.logprob(prediction.next) - static_cast<double>(base.next_logprob);
  distance_.add(std::abs(change));
  log_ratio_.add(-change);
  const auto best = std::max_element(prediction.logits.begin(), prediction.logits.end());
  same_best_.add(best - prediction.logits.begin() == base.ids[0] ? 1 : 0);
}

}  // namespace aquilon::eval
