#include "apps/model_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/checked_math.h"
#include "chat/prompt_writer.h"
#include "formats/gguf.h"
#include "formats/model_folder.h"
#include "model/special_tokens.h"
#include "model/tokenizer_loader.h"

namespace aquilon::apps {
namespace {

using formats::GgufFile;

// Key after "<architecture>." and what we call it.
constexpr std::pair<std::string_view, std::string_view> kShape[] = {
    {"block_count", "layers"},
    {"embedding_length", "dim"},
    {"attention.head_count", "heads"},
    {"attention.head_count_kv", "kv_heads"},
    {"attention.key_length", "head_dim"},
    {"feed_forward_length", "ffn"},
    {"expert_count", "experts"},
    {"expert_used_count", "experts_used"},
    {"context_length", "context"},
    {"attention.sliding_window", "sliding_window"},
};

std::string text_or_empty(const GgufFile& file, std::string_view key) {
  const auto text = file.get_string(key);
  return text.ok() ? std::string(*text) : std::string();
}

std::string rope_scaling(const GgufFile& file, const std::string& prefix) {
  const std::string type = text_or_empty(file, prefix + "rope.scaling.type");
  if (type.empty() || type == "none") return {};
  const auto factor = file.get_float(prefix + "rope.scaling.factor");
  return factor.ok() ? fmt::format("{} x {:g}", type, *factor) : type;
}

void read_metadata(const GgufFile& file, ModelSummary& summary) {
  summary.architecture = text_or_empty(file, "general.architecture");
  summary.title = text_or_empty(file, "general.name");
  summary.licence = text_or_empty(file, "general.license");
  const std::string prefix = summary.architecture + ".";
  for (const auto& [key, name] : kShape) {
    const auto value = file.get_uint(prefix + std::string(key), UINT64_MAX);
    if (value.ok()) summary.shape.emplace_back(name, *value);
  }
  const auto base = file.get_float(prefix + "rope.freq_base");
  if (base.ok()) summary.rope_base = *base;
  summary.rope_scaling = rope_scaling(file, prefix);
  summary.tokenizer_model = text_or_empty(file, "tokenizer.ggml.model");
  summary.pre_tokenizer = text_or_empty(file, "tokenizer.ggml.pre");
  const auto tokens = file.get_array("tokenizer.ggml.tokens", formats::GgufType::kString);
  if (tokens.ok()) summary.vocabulary = (*tokens)->count;
  const std::string beside = model::companion_tokenizer(file);
  if (!beside.empty()) summary.tokenizer_model = beside.substr(beside.rfind('/') + 1);
  const auto chat_template = file.get_string("tokenizer.chat_template");
  if (chat_template.ok()) summary.chat_template = std::string(*chat_template);
}

void add_tensors(const GgufFile& file, ModelSummary& summary) {
  for (const formats::GgufTensor& t : file.tensors()) {
    CheckedSize values = 1;
    for (const std::uint64_t dim : t.dims) values *= dim;
    TypeShare& share = summary.types[std::string(tensor::dtype_info(t.dtype).name)];
    share.tensors += 1;
    share.values += values.value().value_or(0);  // the reader checked the product
    share.bytes += t.bytes;
    summary.parameters += values.value().value_or(0);
  }
}

// What needs the tokenizer itself.
Status add_text(const GgufFile& file, ModelSummary& summary) {
  const auto tokenizer = AQ_TRY(model::model_tokenizer(file));
  summary.vocabulary = tokenizer->vocab_size();
  const auto special = AQ_TRY(model::read_special_tokens(file, *tokenizer));
  const std::string own = summary.chat_template.value_or("");
  const auto writer = AQ_TRY(chat::PromptWriter::choose({.tokenizer = *tokenizer,
                                                         .bos = special.bos,
                                                         .eos = special.eos,
                                                         .add_bos = special.add_bos,
                                                         .own_template = own}));
  summary.chat_format = writer.format_name();
  return {};
}

}  // namespace

std::optional<std::uint64_t> ModelSummary::find(std::string_view name) const {
  for (const auto& [key, value] : shape)
    if (key == name) return value;
  return std::nullopt;
}

std::string ModelSummary::main_type() const {
  const auto largest = std::max_element(
      types.begin(), types.end(),
      [](const auto& a, const auto& b) { return a.second.values < b.second.values; });
  return largest == types.end() ? std::string() : largest->first;
}

Result<ModelSummary> summarise(const std::string& path, bool read_text) {
  ModelSummary summary;
  const GgufFile file = AQ_TRY(formats::open_model(path));  // with all its parts
  read_metadata(file, summary);
  add_tensors(file, summary);
  summary.files = file.files();
  if (!read_text || !model::has_tokenizer(file)) return summary;
  const Status text = add_text(file, summary);
  if (!text.ok()) summary.text_problem = text.error().message;
  return summary;
}

std::string parameter_text(std::uint64_t parameters) {
  const auto value = static_cast<double>(parameters);
  if (parameters < 1000) return fmt::format("{}", parameters);
  if (value < 1e6) return fmt::format("{:.0f}k", value / 1e3);
  if (value < 999.5e6) return fmt::format("{:.0f}M", value / 1e6);
  if (value < 99.95e9) return fmt::format("{:.3g}B", value / 1e9);
  return fmt::format("{:.0f}B", value / 1e9);
}

}  // namespace aquilon::apps
