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
  ResponsesShape(AnswerHead head, const CompletionRequest& request) : head_(std::move(head)) {
    settings_ = ",\"instructions\":";
    append_json_string_or_null(settings_, request.instructions);
    const auto& max_tokens = request.generation.max_tokens;
    settings_ += fmt::format(
        ",\"max_output_tokens\":{},\"temperature\":{},\"top_p\":{},\"parallel_tool_calls\":true,"
        "\"previous_response_id\":null,"
        "\"store\":false,\"tool_choice\":\"auto\","
        "\"tools\":[],\"truncation\":\"disabled\",\"metadata\":{{}},\"user\":null",
        max_tokens ? fmt::to_string(*max_tokens) : "null", request.generation.sampling.temperature,
        request.generation.sampling.top_p);
    settings_ += ",\"text\":{\"format\":";
    settings_ += request.text_format.empty() ? R"({"type":"text"})" : request.text_format;
    settings_ += "},\"reasoning\":{\"effort\":";
    append_json_string_or_null(settings_, request.reasoning_effort);
    settings_ += ",\"summary\":null}";
  }

  std::string whole(std::span<const ChoicePart> choices, const chat::Usage& usage) override {
    text_ = choices.front().text;
    finish_ = choices.front().finish;
    return response(final_status(), "[" + item(final_status(), true) + "]", &usage);
  }

  StreamEvents begin(int, int) override {
    StreamEvents events;
    const std::string started = ",\"response\":" + response("in_progress", "[]", nullptr);
    add(events, "response.created", started);
    add(events, "response.in_progress", started);
    add(events, "response.output_item.added",
        ",\"output_index\":0,\"item\":" + item("in_progress", false));
    add(events, "response.content_part.added", place() + ",\"part\":" + part_of(""));
    return events;
  }

  StreamEvents part(const ChoicePart& part, const chat::Usage*) override {
    StreamEvents events;
    finish_ = part.finish;
    if (part.text.empty()) return events;
    text_ += part.text;
    std::string rest = place() + ",\"delta\":";
    append_json_string(rest, part.text);
    add(events, "response.output_text.delta", rest + ",\"logprobs\":[]");
    return events;
  }

  StreamEvents end(const chat::Usage& usage, bool) override {
    StreamEvents events;
    std::string text = place() + ",\"text\":";
    append_json_string(text, text_);
    add(events, "response.output_text.done", text + ",\"logprobs\":[]");
    add(events, "response.content_part.done", place() + ",\"part\":" + part_of(text_));
    const std::string done = item(final_status(), true);
    add(events, "response.output_item.done", ",\"output_index\":0,\"item\":" + done);
    add(events, complete() ? "response.completed" : "response.incomplete",
        ",\"response\":" + response(final_status(), "[" + done + "]", &usage));
    return events;
  }

  StreamEvents fail(std::span<const int>, const ApiError& error) override {
    error_ = "{\"code\":\"server_error\",\"message\":";
    append_json_string(error_, error.message);
    error_ += '}';
    StreamEvents events;
    add(events, "response.failed",
        ",\"response\":" + response("failed", "[" + item("incomplete", true) + "]", nullptr));
    return events;
  }

 private:
  bool complete() const { return finish_ == chat::FinishReason::kStop; }
  std::string_view final_status() const { return complete() ? "completed" : "incomplete"; }

  void add(StreamEvents& events, std::string_view name, std::string_view rest) {
    events.push_back({name, fmt::format("{{\"type\":\"{}\",\"sequence_number\":{}{}}}", name,
                                        sequence_++, rest)});
  }

  std::string place() const {
    return ",\"item_id\":\"msg_" + head_.id + "\",\"output_index\":0,\"content_index\":0";
  }

  static std::string part_of(std::string_view text) {
    std::string out = "{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":";
    append_json_string(out, text);
    return out + "}";
  }

  std::string item(std::string_view status, bool with_text) const {
    return fmt::format(
        "{{\"id\":\"msg_{}\",\"type\":\"message\",\"status\":\"{}\",\"role\":\"assistant\","
        "\"content\":[{}]}}",
        head_.id, status, with_text ? part_of(text_) : "");
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
  std::string settings_;  // of the request, as every response repeats them
  std::string text_;
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
