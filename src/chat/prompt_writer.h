// How a model's conversations become prompts: one of Mistral's formats, or a chat template.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/chat_template.h"
#include "chat/generator.h"  // ChatPrompt
#include "chat/mistral/renderer.h"
#include "chat/thinking.h"
#include "chat/tools/dialect.h"
#include "model/special_tokens.h"  // FillInTokens
#include "text/tokenizer.h"

namespace aquilon::chat {

// What a model's files and its owner say about it.
struct PromptSource {
  const text::Tokenizer& tokenizer;  // outlives the writer
  text::TokenId bos = -1;
  text::TokenId eos = -1;
  bool add_bos = false;                 // in front of what a template writes, if it is not there
  model::FillInTokens fill_in = {};     // for models without a format of Mistral's
  std::string_view own_template;        // of the model's files; empty: none
  std::string_view tool_template = {};  // theirs for conversations with tools; empty: the same
  std::string_view chat_template;       // given by the owner; empty: none
  std::string_view chat_format;  // given by the owner: "template", "mistral-v1" ... "mistral-v15",
                                 // empty: what the files declare
  std::string_view tool_format = {};  // given by the owner: a dialect's name; empty: as above
  std::uint64_t parameters = 0;       // of the model; 0: unknown
};

// Immutable. Threads: safe from any.
class PromptWriter {
 public:
  // Errors: kInvalidArgument and kUnsupported for what the owner gave. What is wrong with the
  // model's own files costs the chat, not the model: see can_chat.
  static Result<PromptWriter> choose(const PromptSource& source);

  bool can_fill_in() const { return renderer_ ? renderer_->can_fill_in() : fill_in_.complete(); }
  bool can_chat() const { return renderer_.has_value() || template_.has_value(); }
  // ChatPrompt::reasoning_effort reaches the model.
  bool takes_reasoning_effort() const {
    return renderer_ ? renderer_->format().settings
                     : template_takes_effort_ || template_takes_switch_;
  }
  // How its answers mark thoughts. Nothing: they have none.
  const std::optional<ThinkingMarks>& thinking() const { return thinking_; }
  // Whether they may come in the answer to this prompt, which was written of `chat`.
  Thinking thinking_after(const ChatPrompt& chat, const std::vector<text::TokenId>& prompt) const;
  // How its answers write calls of tools.
  const Dialect& dialect() const { return *dialect_; }
  // The prompt has a function for not calling any (chat/tools/tool_prompt.h): of small models,
  // where a user has spoken last and a call is not demanded.
  bool offers_no_call(const ChatPrompt& chat) const;
  // "mistral-v3", "template", or empty where it cannot chat.
  std::string format_name() const;

  // Errors: those of the format or the template; kUnsupported where it cannot chat, saying why.
  Result<std::vector<text::TokenId>> write(const ChatPrompt& chat) const;
  // The prompt for what stands between two texts. Control tokens in them are plain text. Errors:
  // kUnsupported where the model has no way to fill in.
  Result<std::vector<text::TokenId>> fill_in(std::string_view before, std::string_view after) const;

 private:
  explicit PromptWriter(const PromptSource& source)
      : tokenizer_(&source.tokenizer),
        bos_(source.bos),
        eos_(source.eos),
        add_bos_(source.add_bos),
        fill_in_(source.fill_in) {}

  Status use_format(std::string_view name);
  Status use_given_template(std::string_view text);
  Status choose_dialect(const PromptSource& source);
  void choose_thinking(const PromptSource& source);
  bool writes_tools_itself(const ChatPrompt& chat) const;
  void use_own(std::string_view own_template, std::string_view tool_template);
  Status set_effort(ChatPrompt& chat) const;
  void set_safe_prompt(ChatPrompt& chat) const;
  Result<std::vector<text::TokenId>> write_plain(const ChatPrompt& chat) const;
  Result<std::vector<text::TokenId>> by_template(const ChatPrompt& chat) const;

  const text::Tokenizer* tokenizer_;
  text::TokenId bos_, eos_;
  bool add_bos_;
  model::FillInTokens fill_in_;
  std::optional<mistral::Renderer> renderer_;
  std::optional<ChatTemplate> template_;
  std::optional<Result<ChatTemplate>> tool_template_;  // in its place where there are tools
  bool template_takes_effort_ = false;
  bool template_takes_switch_ = false;  // enable_thinking
  std::optional<ThinkingMarks> thinking_;
  const Dialect* dialect_ = find_dialect("json");
  bool own_tool_prompt_ = false;  // the dialect's, whatever the format or template knows
  Error problem_;                 // why it cannot chat
};

}  // namespace aquilon::chat
