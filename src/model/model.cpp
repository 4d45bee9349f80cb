#include "model/model.h"

#include "model/tokenizer_loader.h"

namespace aquilon::model {

Result<std::unique_ptr<Model>> Model::load(const std::string& path, const LoadOptions& options) {
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
  model->pool_ = std::make_unique<ThreadPool>(options.threads);
  if (options.arithmetic == Arithmetic::kPacked)
    AQ_RETURN_IF_ERROR(pack_weights(file, *model->pool_, model->weights_, options.progress));
  model->forward_ = std::make_unique<Forward>(model->config_, model->weights_, *model->pool_);
  return model;
}

}  // namespace aquilon::model
