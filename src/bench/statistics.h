// What is told of repeated measurements: the median, and the range around it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace aquilon::bench {

struct Summary {
  double median = 0;
  double min = 0;
  double max = 0;
  std::size_t samples = 0;
};

// Of an even number of samples the mean of the middle two; all zero for none.
inline Summary summarize(std::vector<double> samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  const std::size_t middle = samples.size() / 2;
  const double median =
      samples.size() % 2 != 0 ? samples[middle] : (samples[middle - 1] + samples[middle]) / 2;
  return {median, samples.front(), samples.back(), samples.size()};
}

// Rates from times of the same work: the fastest run gives the largest.
inline Summary rates(double work, const std::vector<double>& seconds) {
  std::vector<double> samples;
  for (const double s : seconds) samples.push_back(work / s);
  return summarize(std::move(samples));
}

}  // namespace aquilon::bench
