#include "model/adapter.h"

#include <atomic>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

#include "quant/decode.h"

namespace aquilon::model {
namespace {

using formats::AdapterPair;

struct LayerTarget {
  std::string_view name;  // behind "blk.N."
  const WeightMatrix& (*matrix)(const LayerWeights& layer);
  bool dense = false;  // of a feed-forward block that is no mixture
};

constexpr LayerTarget kLayerTargets[] = {
    {"attn_q.weight", [](const LayerWeights& l) -> const WeightMatrix& { return l.wq; }},
    {"attn_k.weight", [](const LayerWeights& l) -> const WeightMatrix& { return l.wk; }},
    {"attn_v.weight", [](const LayerWeights& l) -> const WeightMatrix& { return l.wv; }},
    {"attn_output.weight", [](const LayerWeights& l) -> const WeightMatrix& { return l.wo; }},
    {"ffn_gate.weight", [](const LayerWeights& l) -> const WeightMatrix& { return l.dense.w1; },
     true},
    {"ffn_down.weight", [](const LayerWeights& l) -> const WeightMatrix& { return l.dense.w2; },
     true},
    {"ffn_up.weight", [](const LayerWeights& l) -> const WeightMatrix& { return l.dense.w3; },
     true},
};

// The matrix of a GGUF name, or null.
const WeightMatrix* find_matrix(const Weights& weights, std::string_view name) {
  if (name == "output.weight") return &weights.output;
  if (!name.starts_with("blk.")) return nullptr;
  name.remove_prefix(4);
  std::size_t layer = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), layer);
  name.remove_prefix(static_cast<std::size_t>(end - name.data()));
  if (error != std::errc() || layer >= weights.layers.size() || !name.starts_with('.'))
    return nullptr;
  name.remove_prefix(1);
  for (const LayerTarget& target : kLayerTargets)
    if (target.name == name) {
      const LayerWeights& of = weights.layers[layer];
      return target.dense && of.has_experts() ? nullptr : &target.matrix(of);
    }
  return nullptr;
}

bool all_finite(const tensor::MatrixView& matrix) {
  std::vector<float> row(matrix.columns);
  bool finite = true;
  for (std::size_t r = 0; r < matrix.rows; ++r) {
    quant::decode(matrix.dtype, matrix.row(r), row.size(), row.data());
    for (const float value : row) finite = finite && std::isfinite(value);
  }
  return finite;
}

std::uint32_t next_number() {
  static std::atomic<std::uint32_t> last{0};
  return ++last;
}

}  // namespace

Adapter::Adapter(formats::AdapterFile file) : file_(std::move(file)), number_(next_number()) {}

Result<std::shared_ptr<const Adapter>> Adapter::bind(formats::AdapterFile file,
                                                     const ModelConfig& config,
                                                     const Weights& weights) {
  std::shared_ptr<Adapter> adapter(new Adapter(std::move(file)));
  const formats::AdapterFile& from = adapter->file_;
  const std::string_view family = config.family->architecture;
  if (!from.architecture().empty() && from.architecture() != family)
    return make_error(Code::kInvalidArgument,
                      "{}: the adapter is for '{}' models, this one is '{}'", from.path(),
                      from.architecture().substr(0, 80), family);
  for (const AdapterPair& pair : from.pairs())
    AQ_RETURN_IF_ERROR(adapter->add(pair, config, weights));
  return std::shared_ptr<const Adapter>(std::move(adapter));
}

Status Adapter::add(const AdapterPair& pair, const ModelConfig& config, const Weights& weights) {
  const WeightMatrix* matrix = find_matrix(weights, pair.target);
  if (matrix == nullptr)
    return make_error(Code::kUnsupported,
                      "{}: '{}': this model has no such matrix, or none that can have an adapter "
                      "(attention, dense feed-forward, output)",
                      file_.path(), pair.label);
  const tensor::MatrixView& own = matrix->stored;
  if (pair.a.columns != own.columns || pair.b.rows != own.rows)
    return make_error(Code::kInvalidArgument,
                      "{}: '{}' is for a matrix of [{}, {}], the model's is [{}, {}]: is the "
                      "adapter another model's?",
                      file_.path(), pair.label, pair.b.rows, pair.a.columns, own.rows, own.columns);
  if (!all_finite(pair.a) || !all_finite(pair.b))
    return make_error(Code::kCorrupt, "{}: '{}' has values that are no numbers", file_.path(),
                      pair.label);
  LowRank low{pair.a, pair.b, pair.scale};
  const bool q = pair.target.ends_with(".attn_q.weight");
  const bool k = pair.target.ends_with(".attn_k.weight");
  const bool halves = config.rope_layout == kernels::RopeLayout::kHalves;
  const bool in_halves =
      (file_.hf_rows() ? config.family->hf_rope_layout : config.family->rope_layout) ==
      kernels::RopeLayout::kHalves;
  if ((q || k) && halves != in_halves)
    low.b = reorder(pair.b, q ? config.n_heads : config.n_kv_heads, halves);
  by_matrix_.emplace(matrix, low);
  return {};
}

// Rows of queries or keys turn in pairs: values i and i + E/2 of a head (halves), or 2i and 2i + 1.
tensor::MatrixView Adapter::reorder(const tensor::MatrixView& b, std::size_t heads,
                                    bool to_halves) {
  const std::size_t bytes = b.row_stride();
  std::byte* to = reordered_.emplace_back(new std::byte[b.rows * bytes]).get();
  std::memcpy(to, b.data, b.rows * bytes);
  const std::size_t dim = b.rows / heads;
  for (std::size_t h = 0; h < heads; ++h)
    for (std::size_t i = 0; i < dim / 2; ++i)
      for (const std::size_t second : {0, 1}) {
        const std::size_t half = h * dim + second * (dim / 2) + i;
        const std::size_t pair = h * dim + 2 * i + second;
        std::memcpy(to + (to_halves ? half : pair) * bytes, b.row(to_halves ? pair : half), bytes);
      }
  return {to, b.dtype, b.rows, b.columns};
}

}  // namespace aquilon::model
