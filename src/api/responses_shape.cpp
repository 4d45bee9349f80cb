// POST /v1/responses: OpenAI's response and the events of its stream.
#include "api/answer_shape.h"
#include "api/completion_request.h"
#include "api/json_text.h"

namespace aquilon::api {
namespace {

std::string usage_json(const chat::Usage& usage) {
  return fmt::format(
      "{{\"input_tokens\":{},\"input_tokens_details\":{{\"cached_tokens\":{},"
      "\"cache_write_tokens\":0}},\"output_tokens\":{},"
      "\"output_tokens_details\":{{\"reasoning_tokens\":0}},\"total_tokens\":{}}}",
      usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens,
      usage.prompt_tokens + usage.completion_tokens);
}

class ResponsesShape final : public AnswerShape {
 public:
  ResponsesShape(AnswerHead head, const CompletionRequest& request)
      : head_(std::move(head)), waits_(request.may_call || request.may_think) {
    settings_ = ",\"instructions\":";
    append_json_string_or_null(settings_, request.instructions);
    const auto& max_tokens = request.generation.max_tokens;
    settings_ += fmt::format(
        ",\"max_output_tokens\":{},\"temperature\":{},\"top_p\":{},\"parallel_tool_calls\":{},"
        "\"previous_response_id\":null,"
        "\"store\":false,\"tool_choice\":{},"
        "\"tools\":{},\"truncation\":\"disabled\",\"metadata\":{{}},\"user\":null",
        max_tokens ? fmt::to_string(*max_tokens) : "null", request.generation.sampling.temperature,
        request.generation.sampling.top_p, request.tool_rules.parallel,
        request.choice_echo.empty() ? "\"auto\"" : request.choice_echo,
        request.tools_echo.empty() ? "[]" : request.tools_echo);
    settings_ += ",\"text\":{\"format\":";
    settings_ += request.text_format.empty() ? R"({"type":"text"})" : request.text_format;
    settings_ += "},\"reasoning\":{\"effort\":";
    append_json_string_or_null(settings_, request.reasoning_effort);
    settings_ += ",\"summary\":null}";
  }

  std::string whole(std::span<const ChoicePart> choices, const chat::Usage& usage) override {
    const ChoicePart& choice = choices.front();
    text_ = choice.text;
    finish_ = choice.finish;
    thinking_ = choice.thinking;
    const bool words = choice.calls.empty() || !text_.empty();
    if (!thinking_.empty()) keep(reasoning("completed", true));
    next_id();
    if (words) keep(message(final_status(), true));
    for (const chat::ToolCall& call : choice.calls) {
      next_id();
      keep(call_item(call, "completed", call.arguments));
    }
    return response(final_status(), "[" + items_ + "]", &usage);
  }

  StreamEvents begin(int, int) override {
    StreamEvents events;
    const std::string started = ",\"response\":" + response("in_progress", "[]", nullptr);
    add(events, "response.created", started);
    add(events, "response.in_progress", started);
    if (!waits_) open_message(events);
    return events;
  }

  StreamEvents part(const ChoicePart& part, const chat::Usage*) override {
    StreamEvents events;
    finish_ = part.finish;
    if (!part.thinking.empty()) add_thoughts(events, part.thinking);
    if (!part.text.empty()) {
      open_message(events);
      text_ += part.text;
      std::string rest = place() + ",\"delta\":";
      append_json_string(rest, part.text);
      add(events, "response.output_text.delta", rest + ",\"logprobs\":[]");
    }
    for (const chat::ToolCall& call : part.calls) add_call(events, call);
    return events;
  }

  StreamEvents end(const chat::Usage& usage, bool) override {
    StreamEvents events;
    close_thoughts(events, final_status());
    close_message(events, final_status());
    add(events, complete() ? "response.completed" : "response.incomplete",
        ",\"response\":" + response(final_status(), "[" + items_ + "]", &usage));
    return events;
  }

  StreamEvents fail(std::span<const int>, const ApiError& error) override {
    error_ = "{\"code\":\"server_error\",\"message\":";
    append_json_string(error_, error.message);
    error_ += '}';
    StreamEvents events;
    if (thinks_) keep(reasoning("incomplete", true));
    if (open_) keep(message("incomplete", true));
    add(events, "response.failed",
        ",\"response\":" + response("failed", "[" + items_ + "]", nullptr));
    return events;
  }

 private:
  bool complete() const { return finish_ == chat::FinishReason::kStop; }
  std::string_view final_status() const { return complete() ? "completed" : "incomplete"; }

  void add(StreamEvents& events, std::string_view name, std::string_view rest) {
    events.push_back({name, fmt::format("{{\"type\":\"{}\",\"sequence_number\":{}{}}}", name,
                                        sequence_++, rest)});
  }

  // Items have numbers behind the answer's id, but for the first.
  std::string own_id(std::string_view kind) const {
    return fmt::format("{}_{}{}", kind, head_.id, item_ == 0 ? "" : fmt::format("_{}", item_));
  }
  std::string at_item(std::string_view id) const {
    return fmt::format(",\"item_id\":\"{}\",\"output_index\":{}", id, item_);
  }
  std::string place() const { return at_item(own_id("msg")) + ",\"content_index\":0"; }
  void keep(const std::string& item) {
    if (!items_.empty()) items_ += ',';
    items_ += item;
    kept_ = true;
  }
  void next_id() {
    if (std::exchange(kept_, false)) ++item_;
  }

  void open_message(StreamEvents& events) {
    if (open_) return;
    close_thoughts(events, "completed");
    next_id();
    open_ = true;
    text_.clear();
    add(events, "response.output_item.added",
        fmt::format(",\"output_index\":{},\"item\":{}", item_, message("in_progress", false)));
    add(events, "response.content_part.added", place() + ",\"part\":" + part_of(""));
  }
  void close_message(StreamEvents& events, std::string_view status) {
    if (!open_) return;
    open_ = false;
    std::string text = place() + ",\"text\":";
    append_json_string(text, text_);
    add(events, "response.output_text.done", text + ",\"logprobs\":[]");
    add(events, "response.content_part.done", place() + ",\"part\":" + part_of(text_));
    const std::string done = message(status, true);
    add(events, "response.output_item.done",
        fmt::format(",\"output_index\":{},\"item\":{}", item_, done));
    keep(done);
  }
  void add_thoughts(StreamEvents& events, std::string_view text) {
    if (!thinks_) {
      close_message(events, "completed");
      next_id();
      thinks_ = true;
      thinking_.clear();
      add(events, "response.output_item.added",
          fmt::format(",\"output_index\":{},\"item\":{}", item_, reasoning("in_progress", false)));
    }
    thinking_ += text;
    std::string rest = at_item(own_id("rs")) + ",\"content_index\":0,\"delta\":";
    append_json_string(rest, text);
    add(events, "response.reasoning_text.delta", rest);
  }
  void close_thoughts(StreamEvents& events, std::string_view status) {
    if (!thinks_) return;
    thinks_ = false;
    std::string rest = at_item(own_id("rs")) + ",\"content_index\":0,\"text\":";
    append_json_string(rest, thinking_);
    add(events, "response.reasoning_text.done", rest);
    const std::string done = reasoning(status, true);
    add(events, "response.output_item.done",
        fmt::format(",\"output_index\":{},\"item\":{}", item_, done));
    keep(done);
  }
  std::string reasoning(std::string_view status, bool with_text) const {
    std::string content;
    if (with_text) {
      content = "{\"type\":\"reasoning_text\",\"text\":";
      append_json_string(content, thinking_);
      content += '}';
    }
    return fmt::format(
        "{{\"id\":\"{}\",\"type\":\"reasoning\",\"summary\":[],\"content\":[{}],"
        "\"status\":\"{}\"}}",
        own_id("rs"), content, status);
  }
  void add_call(StreamEvents& events, const chat::ToolCall& call) {
    close_thoughts(events, "completed");
    close_message(events, "completed");
    next_id();
    const std::string place = at_item(own_id("fc"));
    std::string arguments;
    append_json_string(arguments, call.arguments);
    add(events, "response.output_item.added",
        fmt::format(",\"output_index\":{},\"item\":{}", item_, call_item(call, "in_progress", "")));
    add(events, "response.function_call_arguments.delta", place + ",\"delta\":" + arguments);
    std::string done = place + ",\"name\":";
    append_json_string(done, call.name);
    add(events, "response.function_call_arguments.done", done + ",\"arguments\":" + arguments);
    const std::string item = call_item(call, "completed", call.arguments);
    add(events, "response.output_item.done",
        fmt::format(",\"output_index\":{},\"item\":{}", item_, item));
    keep(item);
  }
  std::string call_item(const chat::ToolCall& call, std::string_view status,
                        std::string_view arguments) const {
    std::string out = fmt::format(
        "{{\"id\":\"{}\",\"type\":\"function_call\",\"status\":\"{}\",\"call_id\":", own_id("fc"),
        status);
    append_json_string(out, call.id);
    out += ",\"name\":";
    append_json_string(out, call.name);
    out += ",\"arguments\":";
    append_json_string(out, arguments);
    return out + "}";
  }

  static std::string part_of(std::string_view text) {
    std::string out = "{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":";
    append_json_string(out, text);
    return out + "}";
  }

  std::string message(std::string_view status, bool with_text) const {
    return fmt::format(
        "{{\"id\":\"{}\",\"type\":\"message\",\"status\":\"{}\",\"role\":\"assistant\","
        "\"content\":[{}]}}",
        own_id("msg"), status, with_text ? part_of(text_) : "");
  }

  std::string response(std::string_view status, const std::string& output,
                       const chat::Usage* usage) const {
    std::string out = fmt::format(
        "{{\"id\":\"resp_{}\",\"object\":\"response\",\"created_at\":{},\"status\":\"{}\","
        "\"model\":",
        head_.id, head_.created, status);
    append_json_string(out, head_.model);
    out += ",\"error\":" + (error_.empty() ? "null" : error_) + ",\"incomplete_details\":";
    out += status == "incomplete" ? "{\"reason\":\"max_output_tokens\"}" : "null";
    out += ",\"output\":" + output + settings_;
    out += ",\"usage\":" + (usage ? usage_json(*usage) : "null") + "}";
    return out;
  }

  AnswerHead head_;
  bool waits_;           // the answer may begin with something else than a message
  bool open_ = false;    // a message
  bool thinks_ = false;  // an item of reasoning is open
  std::string thinking_;
  bool kept_ = false;  // the item of this number is in items_
  int item_ = 0;
  std::string items_;     // finished ones, as JSON
  std::string settings_;  // of the request, as every response repeats them
  std::string text_;      // of the message
  std::string error_;
  std::optional<chat::FinishReason> finish_;
  int sequence_ = 0;
};

}  // namespace

std::unique_ptr<AnswerShape> make_responses_shape(AnswerHead head,
                                                  const CompletionRequest& request) {
  return std::make_unique<ResponsesShape>(std::move(head), request);
}

}  // namespace aquilon::api
