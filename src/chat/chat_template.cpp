#include "chat/chat_template.h"

#include <algorithm>
#include <array>

#include "chat/jinja/interpreter_internal.h"
#include "chat/jinja/parser_internal.h"
#include "chat/template_messages_internal.h"

namespace aquilon::chat {

struct ChatTemplate::Program {
  jinja::Block root;
  MessageShape shape;
};

namespace {

constexpr std::array<std::string_view, 5> kReserved = {"messages", "tools", "bos_token",
                                                       "eos_token", "add_generation_prompt"};

Status define_kwargs(jinja::Interpreter& interpreter, const boost::json::object& kwargs) {
  for (const auto& [key, value] : kwargs) {
    const std::string_view name(key);
    if (std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end()) {
      return Error{Code::kInvalidArgument,
                   fmt::format("chat_template_kwargs may not set '{}'", name),
                   "chat_template_kwargs"};
    }
    auto converted = jinja::from_json(value);
    if (!converted.ok()) return std::move(converted).error().with_context(name);
    interpreter.define(std::string(name), *std::move(converted));
  }
  return {};
}

Result<RenderedPrompt> render_program(const jinja::Block& root, const boost::json::value& messages,
                                      const TemplateInput& input) {
  using jinja::TracedText;
  jinja::Interpreter interpreter(input.now.value_or(std::chrono::system_clock::now()));
  interpreter.define("documents", jinja::None{});  // as transformers does
  AQ_RETURN_IF_ERROR(define_kwargs(interpreter, input.kwargs));
  jinja::Value message_list = AQ_TRY(jinja::from_json(messages));
  interpreter.define("messages", std::move(message_list));
  jinja::Value tool_list = AQ_TRY(jinja::from_json(input.tools));
  interpreter.define("tools", std::move(tool_list));
  interpreter.define("bos_token", TracedText::trusted(input.bos_token));
  interpreter.define("eos_token", TracedText::trusted(input.eos_token));
  interpreter.define("add_generation_prompt",
                     input.add_generation_prompt && !input.continue_final_message);
  TracedText text = AQ_TRY(interpreter.run(root));
  if (input.continue_final_message) {
    const auto end = find_mark(text.bytes());
    if (!end) {
      return make_error(Code::kInvalidArgument,
                        "this model's chat template cannot continue the last message");
    }
    text = text.slice(0, *end);
  }
  return RenderedPrompt{text.bytes(), {text.runs().begin(), text.runs().end()}};
}

}  // namespace

ChatTemplate::ChatTemplate(std::unique_ptr<const Program> program) : program_(std::move(program)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

Result<ChatTemplate> ChatTemplate::parse(std::string_view source) {
  auto root = jinja::parse(source);
  if (!root.ok()) return std::move(root).error().with_context("chat template");
  auto program = std::make_unique<Program>(Program{*std::move(root), {}});
  program->shape =
      find_message_shape([&](const boost::json::value& messages,
                             const boost::json::value& tools) -> std::optional<std::string> {
        TemplateInput input;
        input.tools = tools;
        auto prompt = render_program(program->root, messages, input);
        return prompt.ok() ? std::optional(std::move(prompt->text)) : std::nullopt;
      });
  return ChatTemplate(std::move(program));
}

Result<RenderedPrompt> ChatTemplate::render(const TemplateInput& input) const {
  boost::json::value messages = AQ_TRY(shape_messages(input.messages, program_->shape));
  if (input.continue_final_message) AQ_RETURN_IF_ERROR(mark_end_of_last(messages));
  return render_program(program_->root, messages, input);
}

bool ChatTemplate::takes_tools() const {
  return program_->shape.shows_tools;
}

bool ChatTemplate::leaves_messages_out() const {
  constexpr const char* kText = "aqprobe";
  TemplateInput input;
  input.messages = boost::json::array{boost::json::object{{"role", "user"}, {"content", kText}}};
  const auto prompt = render(input);
  return prompt.ok() && prompt->text.find(kText) == std::string::npos;
}

}  // namespace aquilon::chat
