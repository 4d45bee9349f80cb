// POST /v1/messages: Anthropic's message and the events of its stream.
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
  // `waits`: the answer may begin with something else than a text.
  MessagesShape(AnswerHead head, bool waits) : head_(std::move(head)), waits_(waits) {}

  std::string whole(std::span<const ChoicePart> choices, const chat::Usage& usage) override {
    const ChoicePart& choice = choices.front();
    take(choice);
    std::string out = message_start() + "[";
    if (!choice.thinking.empty()) out += thinking_block(choice.thinking);
    if (choice.calls.empty() || !choice.text.empty()) {
      if (out.back() != '[') out += ',';
      out += "{\"type\":\"text\",\"text\":";
      append_json_string(out, choice.text);
      out += '}';
    }
    for (const chat::ToolCall& call : choice.calls) {
      if (out.back() != '[') out += ',';
      out += tool_use(call, call.arguments);
    }
    out += "]," + stop_members() + ",\"usage\":" + usage_json(usage) + "}";
    return out;
  }

  StreamEvents begin(int, int prompt_tokens) override {
    StreamEvents events;
    events.push_back(
        {"message_start", "{\"type\":\"message_start\",\"message\":" + message_start() + "[]," +
                              stop_members() +
                              ",\"usage\":" + usage_json({.prompt_tokens = prompt_tokens}) + "}}"});
    if (!waits_) open_block(events, Block::kText);
    events.push_back({"ping", R"({"type":"ping"})"});
    return events;
  }

  StreamEvents part(const ChoicePart& part, const chat::Usage*) override {
    take(part);
    StreamEvents events;
    if (!part.thinking.empty()) {
      open_block(events, Block::kThinking);
      std::string text = "{\"type\":\"thinking_delta\",\"thinking\":";
      append_json_string(text, part.thinking);
      add_delta(events, text + "}");
    }
    if (!part.text.empty()) {
      open_block(events, Block::kText);
      std::string text = "{\"type\":\"text_delta\",\"text\":";
      append_json_string(text, part.text);
      add_delta(events, text + "}");
    }
    for (const chat::ToolCall& call : part.calls) add_call(events, call);
    return events;
  }

  StreamEvents end(const chat::Usage& usage, bool) override {
    StreamEvents events;
    close(events);
    events.push_back({"message_delta", "{\"type\":\"message_delta\",\"delta\":{" + stop_members() +
                                           "},\"usage\":" + usage_json(usage) + "}"});
    events.push_back({"message_stop", R"({"type":"message_stop"})"});
    return events;
  }

  StreamEvents fail(std::span<const int>, const ApiError& error) override {
    return {{"error", anthropic_error_body(error, head_.id)}};
  }

 private:
  void start(StreamEvents& events, const std::string& block) {
    events.push_back(
        {"content_block_start", fmt::format("{{\"type\":\"content_block_start\",\"index\":{},"
                                            "\"content_block\":{}}}",
                                            blocks_, block)});
    open_ = true;
  }
  enum class Block { kText, kThinking };
  void open_block(StreamEvents& events, Block block) {
    if (open_ && block_ == block) return;
    close(events);
    block_ = block;
    start(events, block == Block::kText ? R"({"type":"text","text":""})" : thinking_block(""));
  }
  static std::string thinking_block(std::string_view text) {
    std::string out = "{\"type\":\"thinking\",\"thinking\":";
    append_json_string(out, text);
    return out + ",\"signature\":\"\"}";
  }
  void add_delta(StreamEvents& events, const std::string& delta) {
    events.push_back({"content_block_delta",
                      fmt::format("{{\"type\":\"content_block_delta\",\"index\":{},\"delta\":{}}}",
                                  blocks_, delta)});
  }
  void close(StreamEvents& events) {
    if (!open_) return;
    events.push_back({"content_block_stop",
                      fmt::format("{{\"type\":\"content_block_stop\",\"index\":{}}}", blocks_)});
    ++blocks_;
    open_ = false;
  }
  // A block of its own; its arguments come as the text of their JSON.
  void add_call(StreamEvents& events, const chat::ToolCall& call) {
    close(events);
    block_ = Block::kText;
    start(events, tool_use(call, "{}"));
    std::string json = "{\"type\":\"input_json_delta\",\"partial_json\":";
    append_json_string(json, call.arguments);
    add_delta(events, json + "}");
    close(events);
  }
  static std::string tool_use(const chat::ToolCall& call, const std::string& input) {
    constexpr std::string_view kOurs = "call_";
    std::string out = "{\"type\":\"tool_use\",\"id\":";
    append_json_string(
        out, call.id.starts_with(kOurs) ? "toolu_" + call.id.substr(kOurs.size()) : call.id);
    out += ",\"name\":";
    append_json_string(out, call.name);
    return out + ",\"input\":" + input + "}";
  }

  // {"id":...,"content": without the content.
  std::string message_start() const {
    std::string out =
        "{\"id\":\"msg_" + head_.id + "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":";
    append_json_string(out, head_.model);
    return out + ",\"content\":";
  }

  void take(const ChoicePart& part) {
    finish_ = part.finish;
    called_ = part.called();
    stop_ = part.stop;
  }

  // "stop_reason":...,"stop_sequence":...
  std::string stop_members() const {
    if (!finish_) return "\"stop_reason\":null,\"stop_sequence\":null";
    std::string out = "\"stop_reason\":\"";
    if (*finish_ == chat::FinishReason::kStop) {
      out += !stop_.empty() ? "stop_sequence" : called_ ? "tool_use" : "end_turn";
    } else {
      const bool context = *finish_ == chat::FinishReason::kModelLength;
      out += context ? "model_context_window_exceeded" : "max_tokens";
    }
    out += "\",\"stop_sequence\":";
    append_json_string_or_null(out, stop_);
    return out;
  }

  AnswerHead head_;
  bool waits_;
  bool called_ = false;
  bool open_ = false;  // a block
  Block block_ = Block::kText;
  int blocks_ = 0;  // closed ones
  std::optional<chat::FinishReason> finish_;
  std::string stop_;  // the stop string that was met
};

}  // namespace

std::unique_ptr<AnswerShape> make_messages_shape(AnswerHead head,
                                                 const CompletionRequest& request) {
  return std::make_unique<MessagesShape>(std::move(head), request.may_call || request.may_think);
}

}  // namespace aquilon::api
