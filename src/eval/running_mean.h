// The mean of a stream of numbers with its standard error.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace aquilon::eval {

class RunningMean {
 public:
  void add(double x) {
    ++count_;
    const double from_old = x - mean_;
    mean_ += from_old / static_cast<double>(count_);
    squares_ += from_old * (x - mean_);
    max_ = count_ == 1 ? x : std::max(max_, x);
  }

  std::size_t count() const { return count_; }
  double mean() const { return mean_; }  // 0 before the first
  double max() const { return max_; }
  // Of the mean; 0 for fewer than two numbers.
  double standard_error() const {
    if (count_ < 2) return 0;
    const double n = static_cast<double>(count_);
    return std::sqrt(squares_ / n / (n - 1));
  }

 private:
  std::size_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;  // sum of squared distances from the mean
  double max_ = 0;
};

}  // namespace aquilon::eval
