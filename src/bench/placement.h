// Where the host has put this machine's processors. A virtual machine's two processors may be two
// threads of one core, two cores that share a cache, or cores apart, and may move within seconds:
// measurements can only be compared while the placement is the same.
#pragma once

#include <string_view>

#include "base/result.h"
#include "bench/statistics.h"
#include "tensor/huge_buffer.h"

namespace aquilon::bench {

struct Placement {
  std::string_view label;  // see classify()
  double f32_rate = 0;     // operations a second, one processor
  double f32_gain = 1;     // factor with all processors
  double read_rate = 0;    // bytes a second, one processor
  double read_gain = 1;
};

// The label of a machine with `cpus` processors:
//   one     ONE-CPU
//   two     SIBLING   arithmetic gains nothing: one core
//           ONE-CCD   arithmetic doubles, reading gains little: two cores on one link to memory
//           TWO-CCD   both double
//           MOVED     anything between: disturbed, or it changed during the probe
//   more    ALL-CORES arithmetic gains all of it, MOVED otherwise
std::string_view classify(std::size_t cpus, double f32_gain, double read_gain);

// Holds the memory that is read, 256 MiB. Threads: one user at a time.
class PlacementProbe {
 public:
  // Errors: kOutOfMemory.
  static Result<PlacementProbe> create();
  // Takes about 0.1 s of all processors.
  Placement run() const;
  // Bytes a second that these processors read together.
  Summary read(const std::vector<int>& cpus) const;

 private:
  tensor::HugeBuffer buffer_;
};

}  // namespace aquilon::bench
