#include "model/rope_table.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace aquilon::model {
namespace {

// YaRN leaves fast pairs alone and stretches slow ones by the factor, with a ramp between.
// Source: Peng et al. 2023, arXiv:2309.00071 section 3.2.
class YarnRamp {
 public:
  explicit YarnRamp(const RopeConfig& c) {
    // The pair that turns `rotations` times within the trained context.
    const auto pair_at = [&](double rotations) {
      const double context = static_cast<double>(c.original_context);
      return static_cast<double>(c.dims) * std::log(context / (rotations * 2 * std::numbers::pi)) /
             (2 * std::log(c.theta));
    };
    low_ = std::max(std::floor(pair_at(c.beta_fast)), 0.0);
    high_ = std::min(std::ceil(pair_at(c.beta_slow)), static_cast<double>(c.dims) - 1);
    if (low_ == high_) high_ += 0.001;
  }
  // 0: as trained, 1: stretched.
  double at(std::size_t pair) const {
    return std::clamp((static_cast<double>(pair) - low_) / (high_ - low_), 0.0, 1.0);
  }

 private:
  double low_;
  double high_;
};

}  // namespace

RopeTable::RopeTable(const RopeConfig& config, const std::vector<float>& divisors)
    : inverse_frequencies_(config.dims / 2),
      attention_factor_(static_cast<float>(config.attention_factor)) {
  using Scaling = RopeConfig::Scaling;
  for (std::size_t i = 0; i < inverse_frequencies_.size(); ++i) {
    const double exponent = 2 * static_cast<double>(i) / static_cast<double>(config.dims);
    double frequency = std::pow(config.theta, -exponent);
    if (!divisors.empty()) frequency /= divisors[i];
    if (config.scaling == Scaling::kLinear) frequency /= config.factor;
    if (config.scaling == Scaling::kYarn) {
      const double stretched = YarnRamp(config).at(i);
      frequency *= (1 - stretched) + stretched / config.factor;
    }
    inverse_frequencies_[i] = static_cast<float>(frequency);
  }
}

void RopeTable::fill(std::size_t position, float* cos, float* sin) const {
  for (std::size_t i = 0; i < pairs(); ++i) {
    // Angles in f32, as the published implementations compute them.
    const float angle = static_cast<float>(position) * inverse_frequencies_[i];
    cos[i] = std::cos(angle) * attention_factor_;
    sin[i] = std::sin(angle) * attention_factor_;
  }
}

}  // namespace aquilon::model
