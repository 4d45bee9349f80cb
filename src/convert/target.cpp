#include "convert/target.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace aquilon::convert {
namespace {

using tensor::DType;

constexpr Target kTargets[] = {
    {"F16", 1, DType::kF16},    {"BF16", 32, DType::kBF16},   {"Q8_0", 7, DType::kQ8_0},
    {"Q6_K", 18, DType::kQ6_K}, {"Q5_K_M", 17, DType::kQ5_K}, {"Q4_K_M", 15, DType::kQ4_K},
    {"Q4_0", 2, DType::kQ4_0},  {"Q4_1", 3, DType::kQ4_1},
};

enum class When {
  kOutermostAndEveryThird,  // the first and last eighth of the layers, of the others every third
  kFirstEighth,             // with importances only
  kEightExperts,
  kEightyLayers,  // models of about 70 G weights, whose many heads share few keys and values
};

// A tensor of a layer that gets another type than most.
struct Exception {
  std::string_view part;    // in its name
  std::string_view target;  // empty: any whose matrices are `from`
  DType from;
  When when;
  DType dtype;
};

// In order: a later one that holds counts.
constexpr Exception kExceptions[] = {
    {"attn_v", "Q4_K_M", DType::kQ4_K, When::kOutermostAndEveryThird, DType::kQ6_K},
    {"attn_v", "Q5_K_M", DType::kQ5_K, When::kOutermostAndEveryThird, DType::kQ6_K},
    {"attn_v", "", DType::kQ4_K, When::kEightyLayers, DType::kQ5_K},
    {"attn_v", "", DType::kF32, When::kEightExperts, DType::kQ8_0},
    {"attn_k", "", DType::kF32, When::kEightExperts, DType::kQ8_0},
    {"attn_output", "Q4_K_M", DType::kQ4_K, When::kEightExperts, DType::kQ5_K},
    {"ffn_down", "Q4_K_M", DType::kQ4_K, When::kOutermostAndEveryThird, DType::kQ6_K},
    {"ffn_down", "Q5_K_M", DType::kQ5_K, When::kOutermostAndEveryThird, DType::kQ6_K},
    {"ffn_down", "Q4_0", DType::kQ4_0, When::kFirstEighth, DType::kQ4_1},
};

bool is_float(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16;
}

// N of "blk.N.".
std::uint64_t layer_of(std::string_view name) {
  std::uint64_t layer = 0;
  if (name.starts_with("blk.")) std::from_chars(name.data() + 4, name.data() + name.size(), layer);
  return layer;
}

bool holds(When when, const ModelTraits& model, std::uint64_t layer) {
  const std::uint64_t eighth = model.layers / 8;
  switch (when) {
    case When::kOutermostAndEveryThird:
      return layer < eighth || layer >= 7 * model.layers / 8 || (layer - eighth) % 3 == 2;
    case When::kFirstEighth:
      return model.has_importance && layer < eighth;
    case When::kEightExperts:
      return model.experts == 8;
    case When::kEightyLayers:
      return model.layers == 80;
  }
  return false;
}

DType wanted(const Target& target, const ModelTraits& model, std::string_view name,
             bool whole_blocks) {
  const bool is_output =
      name == "output.weight" || (!model.has_output && name == "token_embd.weight");
  if (is_output) return whole_blocks && target.dtype != DType::kQ8_0 ? DType::kQ6_K : DType::kQ8_0;
  DType dtype = target.dtype;
  for (const Exception& e : kExceptions) {
    const bool applies =
        name.find(e.part) != name.npos &&
        (e.target.empty() ? e.from == DType::kF32 || dtype == e.from : e.target == target.name);
    if (applies && holds(e.when, model, layer_of(name))) dtype = e.dtype;
  }
  return dtype;
}

// For rows that are no whole blocks.
DType smaller_blocks(DType dtype) {
  switch (dtype) {
    case DType::kQ4_K:
      return DType::kQ5_0;
    case DType::kQ5_K:
      return DType::kQ5_1;
    case DType::kQ6_K:
      return DType::kQ8_0;
    default:
      return dtype;
  }
}

bool is_whole(DType dtype, std::uint64_t columns) {
  return columns % tensor::dtype_info(dtype).block_size == 0;
}

// Matrices of weights that products run through; others are too small or too delicate.
bool is_quantised(std::string_view name, std::span<const std::uint64_t> dims) {
  return dims.size() >= 2 && name.ends_with("weight") && name.find("_norm.weight") == name.npos &&
         name.find("ffn_gate_inp") == name.npos;
}

Result<std::uint64_t> number_or_zero(const formats::GgufFile& file, const std::string& key) {
  if (file.find(key) == nullptr) return std::uint64_t{0};
  return file.get_uint(key, 1u << 20);
}

}  // namespace

std::span<const Target> targets() {
  return kTargets;
}

Result<const Target*> find_target(std::string_view name) {
  std::string names;
  for (const Target& target : kTargets) {
    if (std::equal(name.begin(), name.end(), target.name.begin(), target.name.end(),
                   [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 'a' + 'A' : a) == b; }))
      return &target;
    names += (names.empty() ? "" : ", ") + std::string(target.name);
  }
  return make_error(Code::kInvalidArgument, "no type '{}' to write: {}", name.substr(0, 80), names);
}

Result<ModelTraits> read_traits(const formats::GgufFile& file) {
  const std::string architecture(AQ_TRY(file.get_string("general.architecture")));
  ModelTraits traits;
  traits.layers = AQ_TRY(number_or_zero(file, architecture + ".block_count"));
  traits.experts = AQ_TRY(number_or_zero(file, architecture + ".expert_count"));
  traits.has_output = file.find_tensor("output.weight") != nullptr;
  return traits;
}

DType dtype_of(const Target& target, const ModelTraits& model, std::string_view name,
               std::span<const std::uint64_t> dims) {
  if (!is_quantised(name, dims)) return DType::kF32;
  if (is_float(target.dtype)) return target.dtype;
  const DType dtype = wanted(target, model, name, is_whole(target.dtype, dims[0]));
  if (is_whole(dtype, dims[0])) return dtype;
  const DType small = smaller_blocks(dtype);
  return is_whole(small, dims[0]) ? small : DType::kF16;
}

}  // namespace aquilon::convert
