#include "model/model.h"

#include <chrono>

#include "base/check.h"
#include "base/memory.h"
#include "formats/model_folder.h"
#include "model/tokenizer_loader.h"

namespace aquilon::model {
namespace {

// Folders have more rows of embeddings than tokens at times, to a round number; those of fewer are
// model_tokenizer's matter.
Status check_vocabulary(const formats::GgufFile& file, std::size_t tokens, std::size_t rows) {
  const bool padded = !companion_tokenizer(file).empty() && tokens < rows;
  if (tokens == rows || padded) return {};
  return make_error(Code::kCorrupt, "{}: the tokenizer has {} tokens, the embeddings {}",
                    file.path(), tokens, rows);
}

Status check_memory(const std::string& path, std::uint64_t needed) {
  const std::uint64_t free = available_memory();
  if (needed <= free) return {};
  return make_error(Code::kOutOfMemory,
                    "{}: not enough memory: {} needed for the weights, {} free; use a smaller "
                    "model or one of fewer bits",
                    path, format_bytes(needed), format_bytes(free));
}

}  // namespace

Result<Model::TextSide> Model::read_text(const formats::GgufFile& file) {
  TextSide side;
  if (!model::has_tokenizer(file)) return side;
  side.tokenizer = AQ_TRY(model_tokenizer(file));
  side.special = AQ_TRY(read_special_tokens(file, *side.tokenizer));
  if (file.find("tokenizer.chat_template") != nullptr)
    side.chat_template = AQ_TRY(file.get_string("tokenizer.chat_template"));
  if (file.find("tokenizer.chat_template.tool_use") != nullptr)
    side.tool_template = AQ_TRY(file.get_string("tokenizer.chat_template.tool_use"));
  return side;
}

bool Model::has_tokenizer() const {
  return model::has_tokenizer(file_);
}

Result<std::unique_ptr<Model>> Model::open(const std::string& path) {
  formats::GgufFile opened = AQ_TRY(formats::open_model(path));
  std::unique_ptr<Model> model(new Model(std::move(opened)));
  const formats::GgufFile& file = model->file_;
  // A large vocabulary takes as long as packing some hundred megabytes of weights.
  model->reading_text_ = std::async(std::launch::async, [&file] {
    const CheckScope scope;  // what fails comes out where the text is waited for
    return read_text(file);
  });
  model->config_ = AQ_TRY(read_config(file));
  model->weights_ = AQ_TRY(read_weights(file, model->config_));
  return model;
}

Status Model::require_tokenizer() const {
  if (has_tokenizer()) return {};
  return make_error(Code::kUnsupported,
                    "{}: has no tokenizer, so that it knows token ids only, no text (`aquilon "
                    "logits --ids` and `aquilon bench model` run it); put tokenizer.json, "
                    "tekken.json or tokenizer.model beside its weights",
                    file_.path());
}

Status Model::prepare(const LoadOptions& options) {
  const bool packs = options.arithmetic == Arithmetic::kPacked;
  if (packs) AQ_RETURN_IF_ERROR(check_memory(file_.path(), weight_bytes(options.arithmetic)));
  pool_ = std::make_unique<ThreadPool>(options.threads);
  if (packs)
    AQ_RETURN_IF_ERROR(
        pack_weights(file_, *pool_, weights_, [&](std::size_t done, std::size_t total) {
          if (options.progress) options.progress(done, total);
          return take_text(false);
        }));
  AQ_RETURN_IF_ERROR(take_text(true));
  forward_ = std::make_unique<Forward>(config_, weights_, *pool_);
  if (const std::string file = file_.damaged_file(); !file.empty())
    return make_error(Code::kCorrupt, "{} was shortened while it was read", file);
  return {};
}

// Takes over what the thread has read, once; without `wait` only if it is done.
Status Model::take_text(bool wait) {
  constexpr std::chrono::seconds kNow{0};
  if (!reading_text_.valid()) return {};
  if (!wait && reading_text_.wait_for(kNow) != std::future_status::ready) return {};
  text_ = AQ_TRY(reading_text_.get());
  if (text_.tokenizer == nullptr) return {};
  return check_vocabulary(file_, text_.tokenizer->vocab_size(), config_.vocab_size);
}

Result<std::unique_ptr<Model>> Model::load(const std::string& path, const LoadOptions& options) {
  std::unique_ptr<Model> model = AQ_TRY(open(path));
  AQ_RETURN_IF_ERROR(model->prepare(options));
  return model;
}

Result<std::shared_ptr<const Adapter>> Model::load_adapter(const std::string& path) const {
  return Adapter::bind(AQ_TRY(formats::AdapterFile::open(path)), config_, weights_);
}

std::uint64_t Model::weight_bytes(Arithmetic arithmetic) const {
  if (arithmetic == Arithmetic::kReference) return file_.file_bytes();
  const tensor::MatrixView& embeddings = weights_.tok_embeddings;
  std::uint64_t stored = embeddings.rows * embeddings.row_stride();
  for_each_matrix(weights_, [&](const WeightMatrix& m) {
    if (!has_packing(m.stored)) stored += m.stored.rows * m.stored.row_stride();
  });
  for (const LayerWeights& layer : weights_.layers)
    if (layer.has_experts()) stored += layer.router.rows * layer.router.row_stride();
  return stored + packed_weights_bytes(weights_);
}

}  // namespace aquilon::model
