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

double plain_frequency(double theta, std::size_t pair, std::size_t dims) {
  return std::pow(theta, -2 * static_cast<double>(pair) / static_cast<double>(dims));
}

}  // namespace

RopeTable::RopeTable(const RopeConfig& config, const std::vector<float>& divisors)
    : config_(config), inverse_frequencies_(config.dims / 2) {
  using Scaling = RopeConfig::Scaling;
  for (std::size_t i = 0; i < inverse_frequencies_.size(); ++i) {
    double frequency = plain_frequency(config.theta, i, config.dims);
    if (!divisors.empty()) frequency /= static_cast<double>(divisors[i]);
    if (config.scaling == Scaling::kLinear) frequency /= config.factor;
    if (config.scaling == Scaling::kYarn) {
      const double stretched = YarnRamp(config).at(i);
      frequency *= (1 - stretched) + stretched / config.factor;
    }
    inverse_frequencies_[i] = static_cast<float>(frequency);
  }
}

// Dynamic NTK: a longer text has a larger base, so that the slowest pair turns as far as it did
// over the trained context. Source: the implementation of Hugging Face transformers.
void RopeTable::frequencies(std::size_t length, float* out) const {
  const RopeConfig& c = config_;
  if (c.scaling != RopeConfig::Scaling::kDynamic || length <= c.original_context) {
    std::copy(inverse_frequencies_.begin(), inverse_frequencies_.end(), out);
    return;
  }
  const auto dims = static_cast<double>(c.dims);
  const double growth = static_cast<double>(length) / static_cast<double>(c.original_context);
  const double theta = c.theta * std::pow(c.factor * growth - (c.factor - 1), dims / (dims - 2));
  for (std::size_t i = 0; i < pairs(); ++i)
    out[i] = static_cast<float>(plain_frequency(theta, i, c.dims));
}

void RopeTable::fill(std::size_t position, std::size_t length, float* cos, float* sin) const {
  frequencies(length, cos);
  const auto factor = static_cast<float>(config_.attention_factor);
  for (std::size_t i = 0; i < pairs(); ++i) {
    // Angles in f32, as the published implementations compute them.
    const float angle = static_cast<float>(position) * cos[i];
    cos[i] = std::cos(angle) * factor;
    sin[i] = std::sin(angle) * factor;
  }
}

}  // namespace aquilon::model
