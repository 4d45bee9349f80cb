// A model into a GGUF file of another type.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "convert/importance.h"
#include "convert/target.h"
#include "formats/gguf.h"

namespace aquilon::convert {

// What became of a tensor.
struct TensorReport {
  std::string name;
  tensor::DType from, to;
  std::vector<std::uint64_t> dims;
  double squared_error = 0;  // sum over its values, against those that were read
  double squared_values = 0;
  bool has_importance = false;
  bool is_copied = false;  // bytes as they were

  double relative_error() const;  // root of error over values; 0 for zeros
};

struct QuantizeReport {
  std::vector<TensorReport> tensors;
  std::uint64_t bytes = 0;  // of tensors
  // Matrices whose values were rounded to few bits before: an error that stays.
  std::uint64_t quantised_before = 0;
};

struct QuantizeJob {
  const formats::GgufFile* file = nullptr;
  const Target* target = nullptr;
  const Importance* importance = nullptr;  // null: all values count alike
};

// Bytes of tensors that are written; false ends the run with kCancelled.
using QuantizeProgress = std::function<bool(std::uint64_t done, std::uint64_t total)>;

// Writes the file: the keys of the model (less what says that it is split), its tokenizer's where
// they stand in files of their own, general.file_type, general.quantization_version, and the
// importance matrix's source. The tensors are those of plan_output in the types of dtype_of; one
// that has its type already is copied. `out` appears whole or not at all.
// Memory: some 32 MB, and the tokenizer.
// Errors: kCorrupt names the tensor and row of a value that is no number; kUnsupported those of a
// value that the type does not hold, and a tokenizer that GGUF has no keys for; kCancelled; those
// of plan_output, Importance::weights and GgufWriter. Threads: one caller a pool.
Result<QuantizeReport> quantize(const QuantizeJob& job, const std::string& out, ThreadPool& pool,
                                const QuantizeProgress& progress);

}  // namespace aquilon::convert
