// Rows of one tensor into another type.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "convert/output_tensor.h"
#include "convert/quantize.h"

namespace aquilon::convert {

// Threads: one caller; rows are split over the pool.
class RowEncoder {
 public:
  //   weights  [matrices, columns] importances, or empty
  RowEncoder(const OutputTensor& tensor, tensor::DType to, std::span<const float> weights,
             ThreadPool& pool)
      : tensor_(tensor), to_(to), weights_(weights), pool_(pool) {}

  // Rows [first, first + n) into `out`; their errors are added to the report.
  // Errors: kCorrupt, kUnsupported, as of quantize(), without the file's name.
  Status run(std::uint64_t first, std::uint64_t n, std::span<std::byte> out, TensorReport& report);

 private:
  enum class Problem { kNone, kNoNumber, kTooLarge };
  struct Part {  // what a task did
    Problem problem = Problem::kNone;
    std::uint64_t row = 0;
    double squared_error = 0;
    double squared_values = 0;
  };

  void encode_rows(std::uint64_t first, std::uint64_t end, std::byte* out, Part& part) const;
  Error describe(const Part& part) const;

  const OutputTensor& tensor_;
  const tensor::DType to_;
  const std::span<const float> weights_;
  ThreadPool& pool_;
  std::vector<Part> parts_;
};

}  // namespace aquilon::convert
