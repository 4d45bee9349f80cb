#include <cmath>
#include <limits>

#include "formats/hf_config_internal.h"  // kMaxConfigBytes
#include "formats/peft_adapter_internal.h"
#include "formats/tensor_names_internal.h"

namespace aquilon::formats {
namespace {

constexpr std::string_view kConfig = "adapter_config.json";
constexpr std::string_view kStem = "adapter_model";
constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::string_view kSuffixA = ".lora_A.weight";
constexpr std::string_view kSuffixB = ".lora_B.weight";

struct NotRun {
  std::string_view part;
  std::string_view what;
};

// Parts of tensor names that say what else an adapter may hold.
constexpr NotRun kNotRun[] = {
    {".lora_magnitude_vector", "DoRA is not run"},
    {".lora_embedding_", "adapters of embeddings are not run"},
    {".lora_B.bias", "biases of adapters are not run"},
    {".lora_diag", "KaSA is not run"},
};

std::string_view why_not(std::string_view name) {
  for (const NotRun& entry : kNotRun)
    if (name.find(entry.part) != name.npos) return entry.what;
  if (name.find(".lora_") == name.npos) return "modules that are saved whole are not run";
  return "is no half of a pair (lora_A.weight, lora_B.weight)";
}

Error tensor_error(const WeightFiles::Weight& weight, Code code, std::string_view what) {
  return make_error(code, "{}: tensor '{}': {}", *weight.path, weight.tensor->name, what);
}

}  // namespace

// "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight" becomes the half of the pair
// "blk.0.attn_q.weight"; its label is the module's path.
Status PeftReader::add_tensor(const WeightFiles::Weight& weight, AdapterPairs& pairs) {
  const SafetensorsTensor& tensor = *weight.tensor;
  std::string_view module = tensor.name;
  const bool a = module.ends_with(kSuffixA);
  if (!a && !module.ends_with(kSuffixB))
    return tensor_error(weight, Code::kUnsupported, why_not(tensor.name));
  module.remove_suffix(kSuffixA.size());
  if (module.starts_with(kPrefix)) module.remove_prefix(kPrefix.size());
  const auto meaning = meaning_of(NameStyle::kHuggingFace, std::string(module) + ".weight");
  if (!meaning)
    return tensor_error(weight, Code::kUnsupported, "is of a module that our models do not have");
  if (meaning->values == TensorMeaning::Values::kLeftOut)
    return tensor_error(weight, Code::kUnsupported, "adapters of the vision tower are not run");
  if (meaning->name == "token_embd.weight")
    return tensor_error(weight, Code::kUnsupported, "adapters of embeddings are not run");
  if (tensor.shape.size() != 2)
    return tensor_error(weight, Code::kCorrupt, "shape: a matrix is expected");
  const auto type = tensor.type->dtype;
  if (!type || (*type != tensor::DType::kF32 && *type != tensor::DType::kF16 &&
                *type != tensor::DType::kBF16))
    return tensor_error(
        weight, Code::kUnsupported,
        fmt::format("dtype: {} is not read; F32, F16 and BF16 are", tensor.type->name));
  return pairs.add(meaning->name, a ? AdapterSide::kA : AdapterSide::kB, std::string(module),
                   {tensor.data.data(), *type, static_cast<std::size_t>(tensor.shape[0]),
                    static_cast<std::size_t>(tensor.shape[1])});
}

Status PeftReader::set_scale(const PeftConfig& config, AdapterPair& pair) const {
  const std::uint64_t rank = config.rank_of(pair.label);
  if (rank != pair.a.rows)
    return make_error(Code::kCorrupt, "{}: '{}' has rank {}, {} says {}", folder_.path(),
                      pair.label, pair.a.rows, kConfig, rank);
  const auto ranks = static_cast<double>(rank);
  const double alpha = config.alpha_of(pair.label);
  if (alpha > std::numeric_limits<float>::max())
    return make_error(Code::kCorrupt, "{}: lora_alpha of '{}' is too large", folder_.path(),
                      pair.label);
  pair.scale = static_cast<float>(alpha / (config.rank_stabilised ? std::sqrt(ranks) : ranks));
  return {};
}

Result<AdapterFile> PeftReader::read() {
  if (!folder_.has(kConfig))
    return make_error(Code::kNotFound, "{}: no adapter: {} is not here", folder_.path(), kConfig);
  const std::string path = folder_.path_of(kConfig);
  const std::string text = AQ_TRY(folder_.text(kConfig, kMaxConfigBytes));
  const boost::json::object object = AQ_TRY(read_json_object(text, path));
  const PeftConfig config = AQ_TRY(read_peft_config(JsonFields(object, path)));
  const WeightFiles weights = AQ_TRY(WeightFiles::open(folder_, kStem));
  AdapterPairs pairs(folder_.path());
  for (const WeightFiles::Weight& weight : weights.all())
    AQ_RETURN_IF_ERROR(add_tensor(weight, pairs));
  AdapterFile out;
  out.path_ = folder_.path();
  out.hf_rows_ = true;
  out.pairs_ = AQ_TRY(pairs.finish());
  for (AdapterPair& pair : out.pairs_) AQ_RETURN_IF_ERROR(set_scale(config, pair));
  out.maps_ = folder_.take_maps();
  return out;
}

}  // namespace aquilon::formats
