// POST /v1/messages: Anthropic's message and the events of its stream.
#include <algorithm>

#include "api/answer_shape.h"
#include "api/completion_request.h"
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
  MessagesShape(AnswerHead head, std::vector<std::string> stops)
      : head_(std::move(head)), stops_(std::move(stops)) {}

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
    for (const chat::TokenLogprobs& token : part.logprobs) bytes_ += token.chosen.bytes;
  }

  // The stop string that ended the answer; null where none did.
  const std::string* stop_string() const {
    const std::string* first = nullptr;
    std::size_t first_at = bytes_.npos;
    for (const std::string& stop : stops_) {
      const std::size_t at = bytes_.find(stop);
      if (at < first_at) {
        first = &stop;
        first_at = at;
      }
    }
    return first;
  }

  // "stop_reason":...,"stop_sequence":...
  std::string stop_members() const {
    if (!finish_) return "\"stop_reason\":null,\"stop_sequence\":null";
    const bool stopped = *finish_ == chat::FinishReason::kStop;
    const std::string* stop = stopped ? stop_string() : nullptr;
    std::string out = "\"stop_reason\":\"";
    if (stopped) {
      out += stop ? "stop_sequence" : "end_turn";
    } else {
      const bool context = *finish_ == chat::FinishReason::kModelLength;
      out += context ? "model_context_window_exceeded" : "max_tokens";
    }
    out += "\",\"stop_sequence\":";
    append_json_string_or_null(out, stop ? *stop : std::string_view());
    return out;
  }

  AnswerHead head_;
  std::vector<std::string> stops_;
  std::string bytes_;  // of the answer's tokens, where there are stop strings
  std::optional<chat::FinishReason> finish_;
};

}  // namespace

std::unique_ptr<AnswerShape> make_messages_shape(AnswerHead head,
                                                 const CompletionRequest& request) {
  return std::make_unique<MessagesShape>(std::move(head), request.stop_sequences);
}

}  // namespace aquilon::api
