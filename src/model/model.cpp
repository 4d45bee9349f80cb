#include "model/model.h"

#include "model/tokenizer_loader.h"

namespace aquilon::model {

Result<std::unique_ptr<Model>> Model::open(const std::string& path) {
  formats::GgufFile opened = AQ_TRY(formats::GgufFile::open(path));
  std::unique_ptr<Model> model(new Model(std::move(opened)));
  const formats::GgufFile& file = model->file_;
  model->config_ = AQ_TRY(read_config(file));
  model->weights_ = AQ_TRY(read_weights(file, model->config_));
  model->tokenizer_ = AQ_TRY(make_tokenizer(file));
  if (model->tokenizer_->vocab_size() != model->config_.vocab_size)
    return make_error(Code::kCorrupt, "{}: the tokenizer has {} tokens, the embeddings {}", path,
                      model->tokenizer_->vocab_size(), model->config_.vocab_size);
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
