#include <algorithm>

#include "formats/weight_assembly_internal.h"
#include "quant/decode.h"

namespace aquilon::formats {
namespace {

using Values = TensorMeaning::Values;

Error tensor_error(const WeightFiles::Weight& weight, Code code, std::string_view what) {
  return make_error(code, "{}: tensor '{}': {}", *weight.path, weight.tensor->name, what);
}

class Assembly {
 public:
  Assembly(FolderFiles& folder, const WeightFiles& weights, const AssemblyRules& rules,
           DescriptionBuilder& builder)
      : folder_(folder), weights_(weights), rules_(rules), builder_(builder) {}

  Result<std::uint64_t> run() {
    for (const WeightFiles::Weight& weight : weights_.all()) AQ_RETURN_IF_ERROR(put(weight));
    if (vocabulary_ == 0)
      return make_error(Code::kCorrupt, "{}: the embeddings are missing among the weights",
                        folder_.path());
    if (!has_output_ && rules_.tied == false)
      return make_error(Code::kCorrupt,
                        "{}: the output matrix is missing among the weights, and the configuration "
                        "does not tie it to the embeddings",
                        folder_.path());
    return vocabulary_;
  }

 private:
  Status put(const WeightFiles::Weight& weight) {
    const auto meaning = meaning_of(rules_.style, weight.tensor->name);
    if (!meaning)
      return tensor_error(weight, Code::kUnsupported,
                          fmt::format("is no part of a '{}' model; running without it would give "
                                      "wrong answers",
                                      rules_.architecture));
    if (meaning->values == Values::kLeftOut) return {};
    if (meaning->name == "output.weight") {
      if (rules_.tied == true) return {};  // some files keep a copy
      has_output_ = true;
    }
    const std::vector<std::uint64_t>& shape = weight.tensor->shape;
    if (shape.empty() || shape.size() > 2 || std::count(shape.begin(), shape.end(), 0) != 0)
      return tensor_error(
          weight, Code::kCorrupt,
          fmt::format("shape: [{}] is neither a vector nor a matrix", fmt::join(shape, ", ")));
    if (meaning->name == "token_embd.weight") vocabulary_ = shape[0];
    if (!weight.tensor->type->dtype)
      return tensor_error(weight, Code::kUnsupported,
                          fmt::format("dtype: {} is not read; F32, F16, BF16 and F8_E4M3 are",
                                      weight.tensor->type->name));
    if (meaning->values != Values::kAsStored) return put_norm(weight, *meaning);
    const SafetensorsTensor* factors = find_factors(weight.tensor->name);
    if (weight.tensor->type->name == kSafetensorsFp8 && (factors != nullptr || rules_.fp8))
      return put_fp8_weight(weight, factors, meaning->name);
    builder_.view(meaning->name, *weight.tensor->type->dtype, {shape.rbegin(), shape.rend()},
                  weight.tensor->offset, weight.tensor->data);
    return {};
  }

  Status put_norm(const WeightFiles::Weight& weight, const TensorMeaning& meaning) {
    const SafetensorsTensor& stored = *weight.tensor;
    if (stored.shape.size() != 1)
      return tensor_error(weight, Code::kCorrupt, "shape: a norm's weight is a vector");
    const auto to = AQ_TRY(builder_.allocate(meaning.name, tensor::DType::kF32, {stored.shape[0]}));
    auto* values = reinterpret_cast<float*>(to.data());
    quant::decode(*stored.type->dtype, stored.data.data(), stored.shape[0], values);
    for (std::uint64_t i = 0; i < stored.shape[0]; ++i) values[i] += 1.0f;
    if (meaning.values == Values::kQueryNorm && rules_.query_factor != 1)
      for (std::uint64_t i = 0; i < stored.shape[0]; ++i) values[i] *= rules_.query_factor;
    return {};
  }

  // The factors of "X.weight" are "X.weight_scale_inv", "X.weight_scale" or "X.qscale_weight"; to
  // multiply by, all three. Null if there are none.
  const SafetensorsTensor* find_factors(const std::string& weight) const {
    const std::string stem = weight.substr(0, weight.rfind('.') + 1);
    for (const std::string_view ending : {"weight_scale_inv", "weight_scale", "qscale_weight"})
      if (const auto* factors = weights_.find(stem + std::string(ending))) return factors;
    return nullptr;
  }

  Status put_fp8_weight(const WeightFiles::Weight& weight, const SafetensorsTensor* factors,
                        const std::string& name) {
    if (factors == nullptr)
      return tensor_error(weight, Code::kCorrupt,
                          "the factors of this FP8 matrix are missing (weight_scale_inv, "
                          "weight_scale or qscale_weight)");
    AQ_RETURN_IF_ERROR(
        put_fp8(builder_, name, {weight.tensor, factors, rules_.blocks, *weight.path}));
    folder_.drop(weight.tensor->data);
    return {};
  }

  FolderFiles& folder_;
  const WeightFiles& weights_;
  const AssemblyRules& rules_;
  DescriptionBuilder& builder_;
  std::uint64_t vocabulary_ = 0;
  bool has_output_ = false;
};

}  // namespace

Result<std::uint64_t> assemble_weights(FolderFiles& folder, const WeightFiles& weights,
                                       const AssemblyRules& rules, DescriptionBuilder& builder) {
  return Assembly(folder, weights, rules, builder).run();
}

}  // namespace aquilon::formats
