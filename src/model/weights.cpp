#include "model/weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "quant/decode.h"

namespace aquilon::model {
namespace {

using formats::GgufFile;
using formats::GgufTensor;

std::string shape_text(const std::vector<std::uint64_t>& dims) {
  return fmt::format("[{}]", fmt::join(dims.rbegin(), dims.rend(), ", "));
}

// Takes tensors by name and remembers which were taken.
class Binder {
 public:
  explicit Binder(const GgufFile& file) : file_(file) {}

  Result<tensor::MatrixView> matrix(const std::string& name, std::size_t rows,
                                    std::size_t columns) {
    const GgufTensor* tensor = AQ_TRY(take(name, {columns, rows}));
    return file_.matrix(*tensor);
  }
  // One matrix of many that lie in one tensor, [n, rows, columns].
  Result<std::vector<tensor::MatrixView>> stack(const std::string& name, std::size_t n,
                                                std::size_t rows, std::size_t columns) {
    GgufTensor flat = *AQ_TRY(take(name, {columns, rows, n}));
    flat.dims = {columns, rows * n};
    const tensor::MatrixView all = file_.matrix(flat);
    std::vector<tensor::MatrixView> matrices;
    for (std::size_t i = 0; i < n; ++i)
      matrices.push_back({all.row(i * rows), all.dtype, rows, columns});
    return matrices;
  }
  Result<std::vector<float>> vector(const std::string& name, std::size_t size) {
    const GgufTensor* tensor = AQ_TRY(take(name, {size}));
    std::vector<float> values(size);
    quant::decode(tensor->dtype, file_.matrix(*tensor).data, size, values.data());
    return values;
  }
  Result<std::vector<float>> optional_vector(const std::string& name, std::size_t size,
                                             bool required) {
    if (!required && !has(name)) return std::vector<float>();
    return vector(name, size);
  }
  // Empty where the family has no such part.
  Result<std::vector<float>> vector_if(bool part, const std::string& name, std::size_t size) {
    return part ? vector(name, size) : Result<std::vector<float>>(std::vector<float>());
  }
  bool has(const std::string& name) const { return file_.find_tensor(name) != nullptr; }
  // Errors when the file has a tensor that nobody took.
  Status finish(std::string_view architecture) const {
    for (const GgufTensor& tensor : file_.tensors())
      if (!taken_.contains(tensor.name))
        return make_error(
            Code::kUnsupported,
            "{}: the tensor '{}' is no part of a plain '{}' model; running without it "
            "would give wrong answers",
            file_.path(), file_.tensor_label(tensor.name), architecture);
    return {};
  }

 private:
  Result<const GgufTensor*> take(const std::string& name, std::vector<std::uint64_t> dims) {
    const GgufTensor* tensor = file_.find_tensor(name);
    if (tensor == nullptr)
      return make_error(Code::kCorrupt, "{}: the tensor '{}' is missing", file_.path(),
                        file_.tensor_label(name));
    if (tensor->dims != dims)
      return make_error(
          Code::kCorrupt, "{}: the tensor '{}' has shape {}; the configuration needs {}",
          file_.path(), file_.tensor_label(name), shape_text(tensor->dims), shape_text(dims));
    taken_.insert(tensor->name);
    return tensor;
  }

  const GgufFile& file_;
  std::set<std::string_view> taken_;
};

// The same matrix of all experts: stacked in one tensor, or one by one as older files have it.
Result<std::vector<tensor::MatrixView>> read_expert_matrices(Binder& binder, const ModelConfig& c,
                                                             const std::string& name,
                                                             std::size_t rows,
                                                             std::size_t columns) {
  if (binder.has(name + "_exps.weight"))
    return binder.stack(name + "_exps.weight", c.experts.count, rows, columns);
  std::vector<tensor::MatrixView> matrices;
  for (std::size_t e = 0; e < c.experts.count; ++e)
    matrices.push_back(AQ_TRY(binder.matrix(fmt::format("{}.{}.weight", name, e), rows, columns)));
  return matrices;
}

Status read_experts(Binder& binder, const ModelConfig& c, const std::string& blk, LayerWeights& w) {
  const std::size_t hidden = c.experts.hidden_dim;
  w.router = AQ_TRY(binder.matrix(blk + "ffn_gate_inp.weight", c.experts.count, c.dim));
  const auto gate = AQ_TRY(read_expert_matrices(binder, c, blk + "ffn_gate", hidden, c.dim));
  const auto down = AQ_TRY(read_expert_matrices(binder, c, blk + "ffn_down", c.dim, hidden));
  const auto up = AQ_TRY(read_expert_matrices(binder, c, blk + "ffn_up", hidden, c.dim));
  w.experts.resize(c.experts.count);
  for (std::size_t e = 0; e < c.experts.count; ++e) {
    w.experts[e].w1.stored = gate[e];
    w.experts[e].w2.stored = down[e];
    w.experts[e].w3.stored = up[e];
  }
  return {};
}

// Of a model with experts, some layers may have none.
Status read_feed_forward(Binder& binder, const ModelConfig& c, const std::string& blk,
                         LayerWeights& w) {
  const bool sandwich = c.family->sandwich_norms;
  // Some families call it by its place (Seed-OSS), where others have one of four norms.
  const bool by_place = !sandwich && binder.has(blk + "post_attention_norm.weight");
  const std::string norm = by_place ? "post_attention_norm.weight" : "ffn_norm.weight";
  w.ffn_norm = AQ_TRY(binder.vector(blk + norm, c.dim));
  w.post_ffn_norm = AQ_TRY(binder.vector_if(sandwich, blk + "post_ffw_norm.weight", c.dim));
  if (c.experts.count > 0 && binder.has(blk + "ffn_gate_inp.weight"))
    return read_experts(binder, c, blk, w);
  w.dense.w1.stored = AQ_TRY(binder.matrix(blk + "ffn_gate.weight", c.hidden_dim, c.dim));
  w.dense.w2.stored = AQ_TRY(binder.matrix(blk + "ffn_down.weight", c.dim, c.hidden_dim));
  w.dense.w3.stored = AQ_TRY(binder.matrix(blk + "ffn_up.weight", c.hidden_dim, c.dim));
  return {};
}

Result<LayerWeights> read_layer(Binder& binder, const ModelConfig& c, std::size_t layer) {
  const std::string blk = fmt::format("blk.{}.", layer);
  const bool bias = c.family->qkv_bias;
  const bool norms = c.family->qk_norms;
  const std::size_t q_dim = c.n_heads * c.head_dim;
  const std::size_t kv_dim = c.n_kv_heads * c.head_dim;
  LayerWeights w;
  w.attention_norm = AQ_TRY(binder.vector(blk + "attn_norm.weight", c.dim));
  w.wq.stored = AQ_TRY(binder.matrix(blk + "attn_q.weight", q_dim, c.dim));
  w.wk.stored = AQ_TRY(binder.matrix(blk + "attn_k.weight", kv_dim, c.dim));
  w.wv.stored = AQ_TRY(binder.matrix(blk + "attn_v.weight", kv_dim, c.dim));
  w.bq = AQ_TRY(binder.optional_vector(blk + "attn_q.bias", q_dim, bias));
  w.bk = AQ_TRY(binder.optional_vector(blk + "attn_k.bias", kv_dim, bias));
  w.bv = AQ_TRY(binder.optional_vector(blk + "attn_v.bias", kv_dim, bias));
  w.q_norm = AQ_TRY(binder.vector_if(norms, blk + "attn_q_norm.weight", c.head_dim));
  w.k_norm = AQ_TRY(binder.vector_if(norms, blk + "attn_k_norm.weight", c.head_dim));
  w.wo.stored = AQ_TRY(binder.matrix(blk + "attn_output.weight", c.dim, q_dim));
  w.post_attention_norm =
      AQ_TRY(binder.vector_if(c.family->sandwich_norms, blk + "post_attention_norm.weight", c.dim));
  AQ_RETURN_IF_ERROR(read_feed_forward(binder, c, blk, w));
  return w;
}

}  // namespace

Result<Weights> read_weights(const GgufFile& file, ModelConfig& config) {
  const GgufTensor* embeddings = file.find_tensor("token_embd.weight");
  if (embeddings == nullptr || embeddings->dims.size() != 2 || embeddings->dims[1] > 1u << 24)
    return make_error(Code::kCorrupt, "{}: the tensor '{}' is missing or no matrix", file.path(),
                      file.tensor_label("token_embd.weight"));
  config.vocab_size = static_cast<std::size_t>(embeddings->dims[1]);
  Binder binder(file);
  Weights weights;
  weights.tok_embeddings =
      AQ_TRY(binder.matrix("token_embd.weight", config.vocab_size, config.dim));
  // A layer has at least nine tensors: a layer count beyond the file fails before it allocates.
  for (std::size_t layer = 0; layer < config.n_layers; ++layer)
    weights.layers.push_back(AQ_TRY(read_layer(binder, config, layer)));
  if (config.experts.count > 0 &&
      std::none_of(weights.layers.begin(), weights.layers.end(),
                   [](const LayerWeights& layer) { return layer.has_experts(); }))
    return make_error(Code::kCorrupt, "{} is {}, but no layer has experts",
                      file.where(std::string(config.family->architecture) + ".expert_count"),
                      config.experts.count);
  weights.norm = AQ_TRY(binder.vector("output_norm.weight", config.dim));
  weights.output.stored = weights.tok_embeddings;
  if (file.find_tensor("output.weight") != nullptr)
    weights.output.stored = AQ_TRY(binder.matrix("output.weight", config.vocab_size, config.dim));
  weights.rope_freqs =
      AQ_TRY(binder.optional_vector("rope_freqs.weight", config.rope.dims / 2, false));
  AQ_RETURN_IF_ERROR(binder.finish(config.family->architecture));
  return weights;
}

}  // namespace aquilon::model
