#include "api/json_text.h"
#include "api/shape_parts_internal.h"

namespace aquilon::api {

StreamEvents ChunkShape::begin(int choices, int) {
  StreamEvents events;
  for (int i = 0; i < choices; ++i)
    if (std::string text = opening(i); !text.empty()) events.push_back({{}, std::move(text)});
  return events;
}

StreamEvents ChunkShape::part(const ChoicePart& part, const chat::Usage* usage) {
  return {{{}, chunk(part, usage)}};
}

StreamEvents ChunkShape::end(const chat::Usage& usage, bool include_usage) {
  StreamEvents events;
  if (include_usage) events.push_back({{}, usage_chunk(usage)});
  events.push_back({{}, "[DONE]"});
  return events;
}

StreamEvents ChunkShape::fail(std::span<const int> choices, const ApiError& error) {
  return {{{}, error_chunk(choices, error)}, {{}, "[DONE]"}};
}

std::string answer_start(const AnswerHead& head, std::string_view object) {
  std::string out = "{\"id\":";
  append_json_string(out, head.id);
  out += ",\"object\":";
  append_json_string(out, object);
  out += fmt::format(",\"created\":{},\"model\":", head.created);
  append_json_string(out, head.model);
  out += ",\"system_fingerprint\":\"aquilon-" AQUILON_VERSION "\"";
  return out;
}

void append_usage(std::string& out, const chat::Usage& usage) {
  out += fmt::format(
      ",\"usage\":{{\"prompt_tokens\":{},\"completion_tokens\":{},\"total_tokens\":{},"
      "\"prompt_tokens_details\":{{\"cached_tokens\":{}}}}}",
      usage.prompt_tokens, usage.completion_tokens, usage.prompt_tokens + usage.completion_tokens,
      usage.cached_tokens);
}

void append_ids(std::string& out, const ChoicePart& part) {
  if (part.with_ids) out += fmt::format(",\"token_ids\":[{}]", fmt::join(part.ids, ","));
}

void append_prompt_ids(std::string& out, const ChoicePart& part) {
  if (part.prompt_ids)
    out += fmt::format(",\"prompt_token_ids\":[{}]", fmt::join(*part.prompt_ids, ","));
}

void append_tool_calls(std::string& out, const ChoicePart& part) {
  out += '[';
  for (std::size_t i = 0; i < part.calls.size(); ++i) {
    const chat::ToolCall& call = part.calls[i];
    if (i > 0) out += ',';
    out += fmt::format("{{\"index\":{},\"id\":", part.calls_before + i);
    append_json_string(out, call.id);
    out += ",\"type\":\"function\",\"function\":{\"name\":";
    append_json_string(out, call.name);
    out += ",\"arguments\":";
    append_json_string(out, call.arguments);
    out += "}}";
  }
  out += ']';
}

void append_finish_reason(std::string& out, const ChoicePart& part) {
  if (!part.finish) {
    out += "null";
    return;
  }
  switch (*part.finish) {
    case chat::FinishReason::kStop:
      out += part.called() ? "\"tool_calls\"" : "\"stop\"";
      break;
    case chat::FinishReason::kLength:
    case chat::FinishReason::kModelLength:
      out += "\"length\"";
      break;
    case chat::FinishReason::kError:
      out += "\"error\"";
      break;
  }
  if (part.error) out += ",\"error\":" + error_object(*part.error);
}

}  // namespace aquilon::api
