// LoRA adapters bound to a model: small matrices beside the large ones, chosen sequence by
// sequence.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "formats/adapter_file.h"
#include "model/config.h"
#include "model/weights.h"

namespace aquilon::model {

// Adds scale * b (a x) to the product of a matrix [N, K] with x.
struct LowRank {
  tensor::MatrixView a;  // [R, K]
  tensor::MatrixView b;  // [N, R]  rows in the order of the matrix's own
  float scale;
};

// Of any matrices of attention, dense feed-forward blocks and the output. Immutable.
// Threads: safe.
class Adapter {
 public:
  // The model's configuration and weights must outlive the adapter and stay where they are.
  // Errors: kInvalidArgument for an adapter of another architecture or shape; kUnsupported names a
  // matrix that cannot have one (experts, routers); kCorrupt names one whose values are no numbers.
  static Result<std::shared_ptr<const Adapter>> bind(formats::AdapterFile file,
                                                     const ModelConfig& config,
                                                     const Weights& weights);

  const LowRank* find(const WeightMatrix* matrix) const {  // null: the matrix has none
    const auto at = by_matrix_.find(matrix);
    return at == by_matrix_.end() ? nullptr : &at->second;
  }
  std::size_t matrices() const { return by_matrix_.size(); }
  const std::string& path() const { return file_.path(); }
  // No other adapter of this process has it, not even one that is gone; from 1 on.
  std::uint32_t number() const { return number_; }

 private:
  explicit Adapter(formats::AdapterFile file);

  Status add(const formats::AdapterPair& pair, const ModelConfig& config, const Weights& weights);
  tensor::MatrixView reorder(const tensor::MatrixView& b, std::size_t heads, bool to_halves);

  formats::AdapterFile file_;
  std::uint32_t number_;
  std::unordered_map<const WeightMatrix*, LowRank> by_matrix_;
  std::vector<std::unique_ptr<std::byte[]>> reordered_;  // bs whose rows are not in our order
};

// The adapter of a sequence, and how strong it is; null: none.
struct AdapterUse {
  const Adapter* adapter = nullptr;
  float scale = 1;
};

// Neighbouring rows of a batch that have an adapter.
struct AdaptedRows {
  AdapterUse use;
  std::size_t first = 0;
  std::size_t count = 0;
};

}  // namespace aquilon::model
