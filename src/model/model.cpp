#include "model/model.h"

#include "formats/model_folder.h"
#include "model/tokenizer_loader.h"

namespace aquilon::model {
namespace {

// Folders have more rows of embeddings than tokens at times, to a round number.
Status check_vocabulary(const formats::GgufFile& file, std::size_t tokens, std::size_t rows) {
  const bool padded = !companion_tokenizer(file).empty() && tokens < rows;
  if (tokens == rows || padded) return {};
  return make_error(Code::kCorrupt, "{}: the tokenizer has {} tokens, the embeddings {}",
                    file.path(), tokens, rows);
}

}  // namespace

Result<std::unique_ptr<Model>> Model::open(const std::string& path) {
  formats::GgufFile opened = AQ_TRY(formats::open_model(path));
  std::unique_ptr<Model> model(new Model(std::move(opened)));
  const formats::GgufFile& file = model->file_;
  model->config_ = AQ_TRY(read_config(file));
  model->weights_ = AQ_TRY(read_weights(file, model->config_));
  model->tokenizer_ = AQ_TRY(model_tokenizer(file));
  AQ_RETURN_IF_ERROR(
      check_vocabulary(file, model->tokenizer_->vocab_size(), model->config_.vocab_size));
  model->special_ = AQ_TRY(read_special_tokens(file, *model->tokenizer_));
  if (file.find("tokenizer.chat_template") != nullptr)
    model->chat_template_ = AQ_TRY(file.get_string("tokenizer.chat_template"));
  return model;
}

Status Model::prepare(const LoadOptions& options) {
  pool_ = std::make_unique<ThreadPool>(options.threads);
  if (options.arithmetic == Arithmetic::kPacked)
    AQ_RETURN_IF_ERROR(pack_weights(file_, *pool_, weights_, options.progress));
  forward_ = std::make_unique<Forward>(config_, weights_, *pool_);
  return {};
}

Result<std::unique_ptr<Model>> Model::load(const std::string& path, const LoadOptions& options) {
  std::unique_ptr<Model> model = AQ_TRY(open(path));
  AQ_RETURN_IF_ERROR(model->prepare(options));
  return model;
}

std::uint64_t Model::weight_bytes(Arithmetic arithmetic) const {
  if (arithmetic == Arithmetic::kReference) return file_.file_bytes();
  const tensor::MatrixView& embeddings = weights_.tok_embeddings;
  std::uint64_t stored = embeddings.rows * embeddings.row_stride();
  for_each_matrix(weights_, [&](const WeightMatrix& m) {
    if (!quant::packing_of(m.stored.dtype)) stored += m.stored.rows * m.stored.row_stride();
  });
  for (const LayerWeights& layer : weights_.layers)
    if (layer.has_experts()) stored += layer.router.rows * layer.router.row_stride();
  return stored + packed_weights_bytes(weights_);
}

}  // namespace aquilon::model
