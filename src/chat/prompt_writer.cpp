#include "chat/prompt_writer.h"

#include "chat/mistral/declared_format.h"
#include "chat/tools/tool_prompt.h"

namespace aquilon::chat {
namespace {

constexpr std::string_view kMistral = "mistral-";
constexpr std::string_view kTemplate = "template";
constexpr const char* kEffort = "reasoning_effort";
constexpr const char* kSwitch = "enable_thinking";  // of templates that know only yes and no
constexpr std::string_view kNoEffort = "none", kMuchEffort = "high";
// As Mistral publishes it.
constexpr std::string_view kSafePrompt =
    "Always assist with care, respect, and truth. Respond with utmost utility yet securely. Avoid "
    "harmful, unethical, prejudiced, or negative content. Ensure replies promote fairness and "
    "positivity.";

// Models from this size on know when to call, and when to end.
constexpr std::uint64_t kStrongModel = 4'000'000'000;

std::string format_names() {
  std::string names(kTemplate);
  for (const mistral::Format& format : mistral::kFormats)
    names.append(", ").append(kMistral).append(format.name);
  return names;
}

Result<ChatTemplate> parse_template(std::string_view source) {
  auto parsed = ChatTemplate::parse(source);
  if (parsed.ok() && parsed->leaves_messages_out())
    return make_error(Code::kInvalidArgument,
                      "a prompt made with it does not hold the text of the messages: it must write "
                      "message.content for each message of messages");
  return parsed;
}

}  // namespace

Result<PromptWriter> PromptWriter::choose(const PromptSource& source) {
  PromptWriter writer(source);
  const bool by_template = source.chat_format == kTemplate;
  if (!source.chat_format.empty() && !by_template) {
    AQ_RETURN_IF_ERROR(writer.use_format(source.chat_format));
  } else if (!source.chat_template.empty()) {
    AQ_RETURN_IF_ERROR(writer.use_given_template(source.chat_template));
  } else {
    auto format = mistral::declared_format(source.tokenizer, source.own_template);
    if (format.ok() && *format && !by_template) {
      auto renderer = mistral::Renderer::make(source.tokenizer, **format);
      if (renderer.ok()) writer.renderer_.emplace(std::move(*renderer));
    }
    if (!writer.renderer_) writer.use_own(source.own_template, source.tool_template);
    if (!writer.can_chat() && !format.ok()) writer.problem_ = std::move(format).error();
  }
  AQ_RETURN_IF_ERROR(writer.choose_dialect(source));
  if (source.parameters >= kStrongModel) writer.dialect_ = &without_help(*writer.dialect_);
  writer.choose_thinking(source);
  if (writer.problem_.param.empty()) writer.problem_.param = "messages";
  return writer;
}

Status PromptWriter::use_format(std::string_view name) {
  const mistral::Format* format =
      name.starts_with(kMistral) ? mistral::find_format(name.substr(kMistral.size())) : nullptr;
  if (!format)
    return make_error(Code::kInvalidArgument, "--chat-format '{}' is unknown; there are {}", name,
                      format_names());
  auto renderer = mistral::Renderer::make(*tokenizer_, *format);
  if (!renderer.ok()) return std::move(renderer).error().with_context("--chat-format");
  renderer_.emplace(std::move(*renderer));
  return {};
}

Status PromptWriter::choose_dialect(const PromptSource& source) {
  if (renderer_) {
    switch (renderer_->format().calls) {
      case mistral::CallForm::kList:
      case mistral::CallForm::kListWithIds:
        dialect_ = find_dialect("mistral-v3");
        break;
      case mistral::CallForm::kNamedWithId:
        dialect_ = find_dialect("mistral-v11");
        break;
      case mistral::CallForm::kNamed:
        dialect_ = find_dialect("mistral-v13");
        break;
      case mistral::CallForm::kNone:
        own_tool_prompt_ = true;
        break;
    }
  } else {
    std::string texts(source.chat_template.empty() ? source.own_template : source.chat_template);
    if (source.chat_template.empty()) texts += source.tool_template;
    dialect_ = &dialect_of_template(texts);
  }
  if (source.tool_format.empty()) return {};
  dialect_ = find_dialect(source.tool_format);
  if (!dialect_) {
    std::string names;
    for (const Dialect& one : dialects())
      names += (names.empty() ? "" : ", ") + std::string(one.name);
    return make_error(Code::kInvalidArgument, "--tool-format '{}' is unknown; there are {}",
                      source.tool_format, names);
  }
  own_tool_prompt_ = !dialect_->before_tools.empty();
  return {};
}

bool PromptWriter::offers_no_call(const ChatPrompt& chat) const {
  if (!dialect_->weak || !chat.tools.is_array() || chat.must_call) return false;
  const boost::json::object* last =
      chat.messages.empty() ? nullptr : chat.messages.back().if_object();
  const boost::json::value* role = last ? last->if_contains("role") : nullptr;
  return role && *role == boost::json::value("user");
}

void PromptWriter::choose_thinking(const PromptSource& source) {
  if (renderer_) {
    if (renderer_->format().thinks) thinking_ = thinking_of_mistral(*tokenizer_);
  } else if (template_) {
    const bool given = !source.chat_template.empty();
    thinking_ =
        thinking_of_template(given ? source.chat_template : source.own_template, *tokenizer_);
  }
}

Thinking PromptWriter::thinking_after(const ChatPrompt& chat,
                                      const std::vector<text::TokenId>& prompt) const {
  if (!thinking_) return Thinking::kNone;
  const Thinking state = aquilon::chat::thinking_after(*thinking_, prompt, *tokenizer_);
  if (state == Thinking::kBegun) return state;
  return chat.continue_final_message || chat.reasoning_effort == kNoEffort ? Thinking::kNone
                                                                           : state;
}

// Whether the conversation has tools that only the dialect's own words can tell of.
bool PromptWriter::writes_tools_itself(const ChatPrompt& chat) const {
  if (chat.tools.is_null() && !speaks_of_tools(chat.messages)) return false;
  if (own_tool_prompt_) return true;
  if (renderer_ || !template_) return false;
  const bool by_other = tool_template_ && !chat.tools.is_null();
  return !by_other && !template_->takes_tools();
}

Status PromptWriter::use_given_template(std::string_view text) {
  auto parsed = parse_template(text);
  if (!parsed.ok()) return std::move(parsed).error().with_context("--chat-template");
  template_.emplace(std::move(*parsed));
  template_takes_effort_ = text.find(kEffort) != text.npos;
  template_takes_switch_ = text.find(kSwitch) != text.npos;
  return {};
}

void PromptWriter::use_own(std::string_view own_template, std::string_view tool_template) {
  if (own_template.empty()) {
    problem_ = Error{Code::kUnsupported,
                     "this model has no chat template: use /v1/completions, or give one with "
                     "--chat-template FILE"};
    return;
  }
  auto parsed = parse_template(own_template);
  if (parsed.ok()) {
    template_.emplace(std::move(*parsed));
    if (!tool_template.empty()) tool_template_ = ChatTemplate::parse(tool_template);
    template_takes_effort_ = own_template.find(kEffort) != own_template.npos;
    template_takes_switch_ = own_template.find(kSwitch) != own_template.npos;
    return;
  }
  problem_ = std::move(parsed).error().with_context("the model's chat template");
  problem_.code = Code::kUnsupported;
}

std::string PromptWriter::format_name() const {
  if (renderer_) return std::string(kMistral).append(renderer_->format().name);
  return template_ ? std::string(kTemplate) : std::string();
}

Result<std::vector<text::TokenId>> PromptWriter::write(const ChatPrompt& chat) const {
  const bool tools = !chat.tools.is_null() || speaks_of_tools(chat.messages);
  const bool as_it_is =
      !tools && chat.reasoning_effort.empty() && !chat.wants_thinking && !chat.safe_prompt;
  if (!can_chat() || as_it_is) return write_plain(chat);
  ChatPrompt whole = chat;
  if (offers_no_call(chat)) whole.tools = with_no_call(chat.tools);
  if (writes_tools_itself(chat)) {
    whole.messages = without_tools(chat.messages, whole.tools, *dialect_);
    whole.tools = nullptr;
  } else if (dialect_->short_ids) {
    shorten_call_ids(whole.messages);
  }
  AQ_RETURN_IF_ERROR(set_effort(whole));
  if (chat.safe_prompt) set_safe_prompt(whole);
  return write_plain(whole);
}

Status PromptWriter::set_effort(ChatPrompt& chat) const {
  if (chat.wants_thinking && !thinking_) {
    Error error{Code::kUnsupported,
                "this model does not think before it answers: leave 'thinking' out"};
    error.param = "thinking";
    return error;
  }
  if (chat.wants_thinking && takes_reasoning_effort()) chat.reasoning_effort = kMuchEffort;
  if (chat.reasoning_effort.empty()) return {};
  if (takes_reasoning_effort()) {
    chat.template_kwargs[kEffort] = chat.reasoning_effort;
    if (!renderer_ && template_takes_switch_)
      chat.template_kwargs.emplace(kSwitch, chat.reasoning_effort != kNoEffort);
    return {};
  }
  if (chat.reasoning_effort == kNoEffort) return {};
  Error error = make_error(Code::kUnsupported,
                           "this model is not told how long to think: leave 'reasoning_effort' out "
                           "or use \"none\"");
  error.param = kEffort;
  return error;
}

// In front of a system message of the user's own. Mistral's formats know what two of them are;
// templates mostly know one.
void PromptWriter::set_safe_prompt(ChatPrompt& chat) const {
  boost::json::array& messages = chat.messages;
  boost::json::object* first = messages.empty() ? nullptr : messages.front().if_object();
  const boost::json::value* role = first ? first->if_contains("role") : nullptr;
  const boost::json::value* content = first ? first->if_contains("content") : nullptr;
  if (!renderer_ && role && *role == boost::json::value("system") && content &&
      content->is_string()) {
    std::string text(kSafePrompt);
    text.append("\n\n").append(content->get_string());
    (*first)["content"] = text;
    return;
  }
  messages.insert(messages.begin(),
                  boost::json::object{{"role", "system"}, {"content", kSafePrompt}});
}

Result<std::vector<text::TokenId>> PromptWriter::write_plain(const ChatPrompt& chat) const {
  if (renderer_)
    return renderer_->chat(
        {chat.messages, chat.tools, chat.continue_final_message, chat.template_kwargs});
  if (template_) return by_template(chat);
  return problem_;
}

Result<std::vector<text::TokenId>> PromptWriter::fill_in(std::string_view before,
                                                         std::string_view after) const {
  if (renderer_) return renderer_->fill_in(before, after);
  if (!fill_in_.complete()) {
    Error error =
        make_error(Code::kUnsupported,
                   "this model cannot fill in: its vocabulary has no tokens for prefix, suffix and "
                   "middle; leave 'suffix' out to continue a text");
    error.param = "suffix";
    return error;
  }
  std::vector<text::TokenId> ids;
  const auto put = [&](text::TokenId control, std::string_view text) {
    ids.push_back(control);
    const std::vector<text::TokenId> of_text = tokenizer_->encode(text);
    ids.insert(ids.end(), of_text.begin(), of_text.end());
  };
  if (add_bos_) ids.push_back(bos_);
  put(fill_in_.prefix, before);
  put(fill_in_.suffix, after);
  ids.push_back(fill_in_.middle);
  return ids;
}

Result<std::vector<text::TokenId>> PromptWriter::by_template(const ChatPrompt& chat) const {
  TemplateInput input;
  input.messages = chat.messages;
  input.tools = chat.tools;
  input.kwargs = chat.template_kwargs;
  input.continue_final_message = chat.continue_final_message;
  input.bos_token = std::string(tokenizer_->token_bytes(bos_));
  input.eos_token = std::string(tokenizer_->token_bytes(eos_));
  const ChatTemplate* chosen = &*template_;
  if (tool_template_ && !chat.tools.is_null()) {
    if (!tool_template_->ok())
      return make_error(Code::kUnsupported, "the model's chat template for tools: {}",
                        tool_template_->error().message);
    chosen = &**tool_template_;
  }
  const RenderedPrompt prompt = AQ_TRY(chosen->render(input));
  std::vector<text::TokenId> ids = tokenizer_->encode(prompt.text, prompt.trusted);
  if (add_bos_ && (ids.empty() || ids.front() != bos_)) ids.insert(ids.begin(), bos_);
  return ids;
}

}  // namespace aquilon::chat
