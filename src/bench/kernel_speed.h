// How fast products with packed weights are, beside what the machine could do.
#pragma once

#include <functional>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "bench/statistics.h"
#include "tensor/dtype.h"

namespace aquilon::bench {

// A product as a layer needs it. With experts, each token goes through `used` of them, chosen
// evenly.
struct KernelShape {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::size_t experts = 1;
  std::size_t used = 1;
};

struct KernelResult {
  std::size_t tokens = 0;
  Summary seconds;        // of one product
  double operations = 0;  // of one product: 2 * rows * columns * tokens * used
  double bytes = 0;       // of packed weights that one product reads
};

// One type and shape at several numbers of tokens. Weights that one product after the other reads
// come from memory, not from a cache. Each sample runs the product for at least `sample_ms`.
// `stop`, asked before each product, ends the run: the numbers of tokens that were done are
// returned. Errors: kInvalidArgument for a shape that the type has no rows for; kOutOfMemory.
Result<std::vector<KernelResult>> measure_kernel(
    ThreadPool& pool, tensor::DType type, const KernelShape& shape,
    const std::vector<std::size_t>& tokens, int repetitions, double sample_ms,
    const std::function<bool()>& stop = [] { return false; });

}  // namespace aquilon::bench
