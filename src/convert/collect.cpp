#include "convert/collect.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "convert/output_tensor.h"

namespace aquilon::convert {
namespace {

constexpr std::size_t kSlice = 128;  // tokens a pass

// Sums in double, found by where a matrix is stored.
class ActivationSums {
 public:
  explicit ActivationSums(const std::vector<OutputTensor>& tensors) {
    for (const OutputTensor& tensor : tensors) {
      if (tensor.dims.size() < 2 || !tensor.name.starts_with("blk.")) continue;
      const std::uint64_t matrices = tensor.matrices();
      const std::size_t entry = entries_.size();
      entries_.push_back({tensor.name, tensor.columns(),
                          std::vector<double>(tensor.columns() * matrices),
                          std::vector<std::uint64_t>(matrices)});
      for (std::uint64_t m = 0; m < matrices; ++m)
        places_.emplace(tensor.stored_matrix(m), Place{entry, m});
    }
  }

  void add(const model::WeightMatrix& w, const float* x, std::size_t tokens) {
    const auto at = places_.find(w.stored.data);
    if (at == places_.end()) return;  // the output
    Entry& entry = entries_[at->second.entry];
    double* sums = &entry.sums[at->second.matrix * entry.columns];
    for (std::size_t t = 0; t < tokens; ++t, x += entry.columns)
      for (std::uint64_t i = 0; i < entry.columns; ++i)
        sums[i] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    entry.counts[at->second.matrix] += tokens;
  }

  Result<Importance> finish() const {
    Importance all;
    for (const Entry& entry : entries_) {
      if (std::all_of(entry.counts.begin(), entry.counts.end(), [](auto n) { return n == 0; }))
        continue;
      ColumnSums sums{.columns = entry.columns};
      sums.squares.assign(entry.sums.begin(), entry.sums.end());
      sums.counts.assign(entry.counts.begin(), entry.counts.end());
      if (!std::all_of(sums.squares.begin(), sums.squares.end(),
                       [](float v) { return std::isfinite(v); }))
        return make_error(Code::kCorrupt, "the activations of '{}' are no numbers", entry.name);
      all.tensors.emplace(entry.name, std::move(sums));
    }
    return all;
  }

 private:
  struct Entry {
    std::string name;
    std::uint64_t columns;
    std::vector<double> sums;           // [matrices, columns]
    std::vector<std::uint64_t> counts;  // [matrices]
  };
  struct Place {
    std::size_t entry;
    std::uint64_t matrix;
  };

  std::vector<Entry> entries_;
  std::map<const std::byte*, Place> places_;
};

void run_chunk(model::Model& model, std::span<const text::TokenId> chunk, model::KvCache& kv) {
  std::vector<float> logits;
  const auto no_row_is_left_out = [](std::size_t, std::span<const float>) {};
  for (std::size_t at = 0; at < chunk.size(); at += kSlice) {
    model::Slice slice{&kv, chunk.subspan(at, std::min(kSlice, chunk.size() - at)),
                       model::WantLogits::kNone};
    model.forward().run({&slice, 1}, logits, no_row_is_left_out);
  }
}

}  // namespace

Result<Importance> collect_importance(model::Model& model, std::span<const text::TokenId> tokens,
                                      std::size_t context, const CollectProgress& progress) {
  AQ_CHECK(context >= 1 && context <= model.config().context_length);
  const std::size_t chunks = tokens.size() / context;
  if (chunks == 0)
    return make_error(Code::kInvalidArgument,
                      "the text has {} tokens, a chunk {}: give a longer text or a smaller --ctx",
                      tokens.size(), context);
  const std::vector<OutputTensor> tensors = AQ_TRY(plan_output(model.file()));
  model::KvCache kv = AQ_TRY(model::KvCache::create(model.config(), context, model::KvType::kF32));
  ActivationSums sums(tensors);
  model.forward().observe_products(
      [&](const model::WeightMatrix& w, const float* x, std::size_t n) { sums.add(w, x, n); });
  Status status;
  for (std::size_t c = 0; c < chunks && status.ok(); ++c) {
    const auto of_text = tokens.subspan(c * context, context);
    std::vector<text::TokenId> chunk(of_text.begin(), of_text.end());
    if (model.special().add_bos && model.special().bos >= 0) chunk[0] = model.special().bos;
    kv.truncate(0);
    status = kv.reserve(context);
    if (!status.ok()) break;
    run_chunk(model, chunk, kv);
    if (!progress(c + 1, chunks))
      status = Error{Code::kCancelled, "interrupted: nothing was written"};
  }
  model.forward().observe_products({});
  AQ_RETURN_IF_ERROR(status);
  Importance all = AQ_TRY(sums.finish());
  all.chunks = static_cast<std::uint32_t>(chunks);
  all.chunk_tokens = static_cast<std::uint32_t>(context);
  return all;
}

}  // namespace aquilon::convert
