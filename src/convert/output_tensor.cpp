#include "convert/output_tensor.h"

#include <fmt/format.h>

#include <map>
#include <optional>

#include "base/check.h"
#include "model/config.h"

namespace aquilon::convert {
namespace {

using formats::GgufFile;
using formats::GgufTensor;

// "blk.3.ffn_up.17.weight": the 17th matrix of "blk.3.ffn_up_exps.weight".
struct ExpertName {
  std::string stack;
  std::uint64_t expert;
};

std::optional<ExpertName> expert_name(std::string_view name) {
  constexpr std::string_view kEnd = ".weight";
  if (!name.starts_with("blk.") || !name.ends_with(kEnd)) return std::nullopt;
  const std::string_view stem = name.substr(0, name.size() - kEnd.size());
  const std::size_t dot = stem.rfind('.');
  const std::string_view digits = stem.substr(dot + 1);
  if (stem.find(".ffn_") == stem.npos || digits.empty() || digits.size() > 6 ||
      digits.find_first_not_of("0123456789") != digits.npos)
    return std::nullopt;
  return ExpertName{fmt::format("{}_exps.weight", stem.substr(0, dot)),
                    std::stoul(std::string(digits))};
}

// How q and k rows are to be turned: what a folder's model says; nothing for GGUF files.
struct Turning {
  bool needed = false;
  std::uint64_t head_dim = 0;
  std::uint64_t rope_dims = 0;
};

Result<Turning> read_turning(const GgufFile& file) {
  constexpr std::string_view kRows = "aquilon.hf_rows";
  if (file.find(kRows) == nullptr || !AQ_TRY(file.get_bool(kRows))) return Turning{};
  const model::ModelConfig config = AQ_TRY(model::read_config(file));
  return Turning{config.family->rope_layout != config.family->hf_rope_layout, config.head_dim,
                 config.rope.dims};
}

bool is_query_or_key(std::string_view name) {
  for (const std::string_view end :
       {".attn_q.weight", ".attn_k.weight", ".attn_q.bias", ".attn_k.bias"})
    if (name.ends_with(end)) return true;
  return false;
}

class Planner {
 public:
  Planner(const GgufFile& file, Turning turning) : file_(file), turning_(turning) {}

  Result<std::vector<OutputTensor>> run() {
    for (const GgufTensor& tensor : file_.tensors()) {
      if (const auto expert = expert_name(tensor.name))
        AQ_RETURN_IF_ERROR(add_expert(tensor, *expert));
      else
        AQ_RETURN_IF_ERROR(add(tensor));
    }
    for (const OutputTensor& tensor : planned_)
      for (const GgufTensor* part : tensor.parts)
        if (part == nullptr)
          return make_error(Code::kCorrupt, "{}: an expert of '{}' is missing", file_.path(),
                            tensor.name);
    return std::move(planned_);
  }

 private:
  Status add(const GgufTensor& tensor) {
    OutputTensor out{.name = std::string(tensor.name), .dims = tensor.dims, .parts = {&tensor}};
    if (turning_.needed && is_query_or_key(tensor.name)) {
      const std::uint64_t rows = tensor.dims.back();
      if (rows % turning_.head_dim != 0)
        return make_error(Code::kCorrupt, "{}: '{}' has {} rows, heads have {}", file_.path(),
                          tensor.name, rows, turning_.head_dim);
      out.head_rows = turning_.head_dim;
      out.turned_rows = turning_.rope_dims;
    }
    planned_.push_back(std::move(out));
    return {};
  }

  // The stack stands where its first expert stood.
  Status add_expert(const GgufTensor& tensor, const ExpertName& expert) {
    const auto [at, is_new] = stacks_.try_emplace(expert.stack, planned_.size());
    if (is_new)
      planned_.push_back({.name = expert.stack, .dims = {tensor.dims[0], tensor.dims.back(), 0}});
    OutputTensor& stack = planned_[at->second];
    if (tensor.dims.size() != 2 || tensor.dims[0] != stack.dims[0] ||
        tensor.dims[1] != stack.dims[1] || expert.expert >= file_.tensors().size())
      return make_error(Code::kCorrupt, "{}: '{}' has another shape than the other experts",
                        file_.path(), tensor.name);
    if (stack.parts.size() <= expert.expert) stack.parts.resize(expert.expert + 1);
    stack.parts[expert.expert] = &tensor;
    stack.dims[2] = stack.parts.size();
    return {};
  }

  const GgufFile& file_;
  const Turning turning_;
  std::vector<OutputTensor> planned_;
  std::map<std::string, std::size_t> stacks_;  // by name: place in planned_
};

}  // namespace

std::uint64_t OutputTensor::columns() const {
  return dims.size() == 1 && turned_rows > 0 ? 1 : dims[0];
}

std::uint64_t OutputTensor::rows() const {
  std::uint64_t values = 1;
  for (const std::uint64_t dim : dims) values *= dim;
  return values / columns();
}

std::uint64_t OutputTensor::matrix_rows() const {
  return dims.size() > 1 ? dims[1] : rows();
}

const std::byte* OutputTensor::stored_matrix(std::uint64_t m) const {
  if (parts.size() > 1) return parts[m]->data;
  return parts[0]->data + m * matrix_rows() * tensor::row_bytes(parts[0]->dtype, columns());
}

StoredRow OutputTensor::row(std::uint64_t r) const {
  const GgufTensor* part = parts[0];
  if (parts.size() > 1) {
    part = parts[r / matrix_rows()];
    r %= matrix_rows();
  }
  if (turned_rows > 0) {
    const std::uint64_t in_head = r % head_rows;
    if (in_head < turned_rows) r += in_head / 2 + in_head % 2 * (turned_rows / 2) - in_head;
  }
  return {part->data + r * tensor::row_bytes(part->dtype, columns()), part->dtype};
}

Result<std::vector<OutputTensor>> plan_output(const GgufFile& file) {
  const Turning turning = AQ_TRY(read_turning(file));
  return Planner(file, turning).run();
}

}  // namespace aquilon::convert
