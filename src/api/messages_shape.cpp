// POST /v1/messages: Anthropic's message and the events of its stream.
#include "api/answer_shape.h"
#include "api/json_text.h"

namespace aquilon::api {
namespace {

// Cached tokens are counted beside the others there, not among them.
std::string usage_json(const chat::Usage& usage) {
  return fmt::format(
      "{{\"input_tokens\":{},\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":{},"
      "\"output_tokens\":{}}}",
      usage.prompt_tokens - usage.cached_tokens, usage.cached_tokens, usage.completion_tokens);
}

class MessagesShape final : public AnswerShape {
 public:
  explicit MessagesShape(AnswerHead head) : head_(std::move(head)) {}

  std::string whole(std::span<const ChoicePart> choices, const chat::Usage& usage) override {
    const ChoicePart& choice = choices.front();
    take(choice);
    std::string out = message_start() + "[{\"type\":\"text\",\"text\":";
    append_json_string(out, choice.text);
    out += "}]," + stop_members() + ",\"usage\":" + usage_json(usage) + "}";
    return out;
  }

  StreamEvents begin(int, int prompt_tokens) override {
    StreamEvents events;
    events.push_back(
        {"message_start", "{\"type\":\"message_start\",\"message\":" + message_start() + "[]," +
                              stop_members() +
                              ",\"usage\":" + usage_json({.prompt_tokens = prompt_tokens}) + "}}"});
    events.push_back({"content_block_start", R"({"type":"content_block_start","index":0,)"
                                             R"("content_block":{"type":"text","text":""}})"});
    events.push_back({"ping", R"({"type":"ping"})"});
    return events;
  }

  StreamEvents part(const ChoicePart& part, const chat::Usage*) override {
    take(part);
    if (part.text.empty()) return {};
    std::string data =
        R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":)";
    append_json_string(data, part.text);
    data += "}}";
    return {{"content_block_delta", std::move(data)}};
  }

  StreamEvents end(const chat::Usage& usage, bool) override {
    StreamEvents events;
    events.push_back({"content_block_stop", R"({"type":"content_block_stop","index":0})"});
    events.push_back({"message_delta", "{\"type\":\"message_delta\",\"delta\":{" + stop_members() +
                                           "},\"usage\":" + usage_json(usage) + "}"});
    events.push_back({"message_stop", R"({"type":"message_stop"})"});
    return events;
  }

  StreamEvents fail(std::span<const int>, const ApiError& error) override {
    return {{"error", anthropic_error_body(error, head_.id)}};
  }

 private:
  // {"id":...,"content": without the content.
  std::string message_start() const {
    std::string out =
        "{\"id\":\"msg_" + head_.id + "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":";
    append_json_string(out, head_.model);
    return out + ",\"content\":";
  }

  void take(const ChoicePart& part) {
    finish_ = part.finish;
    stop_ = part.stop;
  }

  // "stop_reason":...,"stop_sequence":...
  std::string stop_members() const {
    if (!finish_) return "\"stop_reason\":null,\"stop_sequence\":null";
    std::string out = "\"stop_reason\":\"";
    if (*finish_ == chat::FinishReason::kStop) {
      out += stop_.empty() ? "end_turn" : "stop_sequence";
    } else {
      const bool context = *finish_ == chat::FinishReason::kModelLength;
      out += context ? "model_context_window_exceeded" : "max_tokens";
    }
    out += "\",\"stop_sequence\":";
    append_json_string_or_null(out, stop_);
    return out;
  }

  AnswerHead head_;
  std::optional<chat::FinishReason> finish_;
  std::string stop_;  // the stop string that was met
};

}  // namespace

std::unique_ptr<AnswerShape> make_messages_shape(AnswerHead head, const CompletionRequest&) {
  return std::make_unique<MessagesShape>(std::move(head));
}

}  // namespace aquilon::api
