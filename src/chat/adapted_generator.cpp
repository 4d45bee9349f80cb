#include "chat/adapted_generator.h"

namespace aquilon::chat {
namespace {

class AdaptedGenerator final : public Generator {
 public:
  AdaptedGenerator(std::shared_ptr<Generator> generator, std::string name, std::size_t index)
      : generator_(std::move(generator)), index_(index), card_(generator_->card()) {
    card_.parent = card_.id;
    card_.id = std::move(name);
  }

  const ModelCard& card() const override { return card_; }
  bool ready() const override { return generator_->ready(); }

  Result<std::unique_ptr<Generation>> start(GenerationRequest request, EventSink sink) override {
    if (!request.adapter) request.adapter = AdapterChoice{.index = index_};
    return generator_->start(std::move(request), std::move(sink));
  }

  Result<std::vector<text::TokenId>> prompt_ids(const Prompt& prompt) const override {
    return generator_->prompt_ids(prompt);
  }
  Result<std::string> prompt_text(const ChatPrompt& prompt) const override {
    return generator_->prompt_text(prompt);
  }
  Result<std::vector<text::TokenId>> encode(std::string_view text,
                                            const EncodeOptions& options) const override {
    return generator_->encode(text, options);
  }
  Result<std::string> decode(std::span<const text::TokenId> ids, bool with_control) const override {
    return generator_->decode(ids, with_control);
  }
  const Dialect& dialect() const override { return generator_->dialect(); }
  TokenizerInfo tokenizer_info() const override { return generator_->tokenizer_info(); }
  std::string token_bytes(text::TokenId id) const override { return generator_->token_bytes(id); }

 private:
  std::shared_ptr<Generator> generator_;
  std::size_t index_;
  ModelCard card_;
};

}  // namespace

std::shared_ptr<Generator> with_adapter(std::shared_ptr<Generator> generator, std::string name,
                                        std::size_t index) {
  return std::make_shared<AdaptedGenerator>(std::move(generator), std::move(name), index);
}

}  // namespace aquilon::chat
