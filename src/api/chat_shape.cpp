// POST /v1/chat/completions: chat.completion and chat.completion.chunk.
#include "api/answer_shape.h"
#include "api/completion_request.h"
#include "api/json_text.h"
#include "api/shape_parts_internal.h"

namespace aquilon::api {
namespace {

class ChatShape final : public ChunkShape {
 public:
  ChatShape(AnswerHead head, const CompletionRequest& request)
      : whole_start_(answer_start(head, "chat.completion") + ",\"choices\":["),
        chunk_start_(answer_start(head, "chat.completion.chunk") + ",\"choices\":["),
        with_logprobs_(request.chat_logprobs),
        thinking_parts_(request.thinking_parts) {}

  std::string whole(std::span<const ChoicePart> choices, const chat::Usage& usage) override {
    std::string out = whole_start_;
    for (const ChoicePart& choice : choices) {
      if (&choice != choices.data()) out += ',';
      out += fmt::format("{{\"index\":{},\"message\":{{\"role\":\"assistant\",\"content\":",
                         choice.index);
      append_content(out, choice, !choice.text.empty() || choice.calls.empty());
      out += ",\"refusal\":null,\"tool_calls\":";
      if (choice.calls.empty())
        out += "null";
      else
        append_tool_calls(out, choice);
      out += "},\"logprobs\":";
      end_choice(out, choice);
    }
    out += ']';
    if (!choices.empty()) append_of_prompt(out, choices.front());
    append_usage(out, usage);
    out += '}';
    return out;
  }

  std::string opening(int choice) override {
    return chunk_start_ + fmt::format(
                              "{{\"index\":{},\"delta\":{{\"role\":\"assistant\","
                              "\"content\":\"\"}},\"finish_reason\":null}}]}}",
                              choice);
  }

  std::string chunk(const ChoicePart& part, const chat::Usage* usage) override {
    std::string out = chunk_start_;
    out += fmt::format("{{\"index\":{},\"delta\":{{", part.index);
    const bool calls = !part.calls.empty();
    const bool content = !part.text.empty() || (thinking_parts_ && !part.thinking.empty());
    if (content || (!calls && part.thinking.empty())) {
      out += "\"content\":";
      append_content(out, part, !part.text.empty());
    } else if (!part.thinking.empty()) {
      append_reasoning(out, part.thinking);
    }
    if (calls) {
      out += out.ends_with('{') ? "\"tool_calls\":" : ",\"tool_calls\":";
      append_tool_calls(out, part);
    }
    out += "},\"logprobs\":";
    end_choice(out, part);
    out += ']';
    append_of_prompt(out, part);
    if (usage) append_usage(out, *usage);
    out += '}';
    return out;
  }

  std::string usage_chunk(const chat::Usage& usage) override {
    std::string out = chunk_start_;
    out += ']';
    append_usage(out, usage);
    out += '}';
    return out;
  }

  std::string error_chunk(std::span<const int> choices, const ApiError& error) override {
    std::string out = chunk_start_;
    for (const int& choice : choices) {
      if (&choice != choices.data()) out += ',';
      out += fmt::format(
          "{{\"index\":{},\"delta\":{{\"content\":\"\"}},"
          "\"finish_reason\":\"error\"}}",
          choice);
    }
    out += "],\"error\":" + error_object(error) + "}";
    return out;
  }

 private:
  // Behind "content": a text, with thoughts beside it or, as Mistral has them, as parts of a list.
  void append_content(std::string& out, const ChoicePart& part, bool with_text) const {
    if (thinking_parts_ && !part.thinking.empty()) {
      out += "[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":";
      append_json_string(out, part.thinking);
      out += "}]}";
      if (with_text) {
        out += ",{\"type\":\"text\",\"text\":";
        append_json_string(out, part.text);
        out += '}';
      }
      out += ']';
      return;
    }
    append_json_string(out, part.text);
    if (part.thinking.empty()) return;
    out += ',';
    append_reasoning(out, part.thinking);
  }
  // As vLLM and others have it.
  static void append_reasoning(std::string& out, std::string_view thinking) {
    out += "\"reasoning_content\":";
    append_json_string(out, thinking);
  }

  static bool logprobs_in_choice(const ChoicePart& part) {
    return part.prompt_logprobs && !part.prompt_logprobs->as_vllm;
  }

  // What stands beside the choices.
  static void append_of_prompt(std::string& out, const ChoicePart& part) {
    append_prompt_ids(out, part);
    if (!logprobs_in_choice(part)) append_prompt_logprobs(out, part);
  }

  void end_choice(std::string& out, const ChoicePart& part) const {
    if (with_logprobs_) {
      append_chat_logprobs(out, part.logprobs);
    } else {
      out += "null";
    }
    out += ",\"finish_reason\":";
    append_finish_reason(out, part);
    append_ids(out, part);
    if (logprobs_in_choice(part)) append_prompt_logprobs(out, part);
    out += '}';
  }

  std::string whole_start_;
  std::string chunk_start_;
  bool with_logprobs_;
  bool thinking_parts_;
};

}  // namespace

std::unique_ptr<AnswerShape> make_chat_shape(AnswerHead head, const CompletionRequest& request) {
  return std::make_unique<ChatShape>(std::move(head), request);
}

}  // namespace aquilon::api
