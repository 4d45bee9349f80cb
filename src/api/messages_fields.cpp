// The body of Anthropic's messages.
#include <limits>

#include "api/body_schema.h"
#include "api/content_parts_internal.h"
#include "api/field_readers_internal.h"
#include "api/messages_tools_internal.h"
#include "api/tool_fields_internal.h"
#include "api/tool_messages_internal.h"

namespace aquilon::api {
namespace {

namespace json = boost::json;

using S = engine::SamplingParams;
using G = chat::GenerationRequest;
using C = CompletionRequest;

constexpr double kIntMax = std::numeric_limits<int>::max();

constexpr std::string_view kText[] = {"text"};
constexpr std::string_view kThought[] = {"thinking", "redacted_thinking"};

Refusal read_system(const Field& field, const json::value& value, CompletionRequest& out) {
  std::string text;
  if (Refusal refusal = read_text_or_parts(value, {std::string(field.name)}, {.text = kText}, text))
    return refusal;
  out.chat.messages.push_back(json::object{{"role", "system"}, {"content", text}});
  return {};
}

// Neighbouring turns of one role are one turn, as in that API.
void add_turn(const std::string& role, const std::string& text, json::array& messages) {
  if (!messages.empty() && messages.back().at("role").as_string() == role &&
      !messages.back().get_object().contains("tool_calls")) {
    json::string& last = messages.back().at("content").as_string();
    last.push_back('\n');
    last.append(text);
  } else {
    messages.push_back(json::object{{"role", role}, {"content", text}});
  }
}

Refusal read_turn(const json::value& value, const Location& where, json::array& messages) {
  if (!value.is_object()) return invalid_value(where, "dict_type", "a message is an object");
  const json::object& message = value.get_object();
  const json::value* role_value = message.if_contains("role");
  if (!role_value) return invalid_value(step(where, "role"), "missing", "the field is missing");
  std::string role;
  if (Refusal refusal = read_string(*role_value, step(where, "role"), role)) return refusal;
  if (role != "user" && role != "assistant")
    return invalid_value(step(where, "role"), "enum", "expected 'user' or 'assistant'");
  const json::value* content = message.if_contains("content");
  ToolBlocks blocks;
  if (content && content->is_array())
    if (Refusal refusal =
            take_tool_blocks(content->get_array(), step(where, "content"), role, blocks))
      return refusal;
  const bool tools = !blocks.calls.empty() || !blocks.results.empty();
  std::string text;
  const PartTypes types{.text = kText, .left_out = kThought};
  if (!tools) {
    if (Refusal refusal = read_content(message, where, types, text)) return refusal;
  } else if (!blocks.others.empty()) {
    if (Refusal refusal = read_text_or_parts(blocks.others, step(where, "content"), types, text))
      return refusal;
  }
  for (json::value& result : blocks.results) messages.push_back(std::move(result));
  if (blocks.results.empty() || !blocks.others.empty()) add_turn(role, text, messages);
  if (content && role == "assistant")
    if (const std::string thoughts = thoughts_of(*content); !thoughts.empty())
      messages.back().get_object()["reasoning_content"] = thoughts;
  if (blocks.calls.empty()) return {};
  json::object& turn = messages.back().get_object();
  json::value& calls = turn["tool_calls"];
  if (!calls.is_array()) calls = json::array();
  for (json::value& call : blocks.calls) calls.get_array().push_back(std::move(call));
  return {};
}

Refusal read_turns(const Field& field, const json::value& value, CompletionRequest& out) {
  const Location where = {std::string(field.name)};
  if (!value.is_array()) return invalid_value(where, "list_type", "a list of messages is expected");
  const json::array& turns = value.get_array();
  if (turns.empty()) return invalid_value(where, "too_short", "at least one message is expected");
  if (turns.size() > kMaxMessages)
    return invalid_value(where, "too_long", fmt::format("at most {} messages", kMaxMessages));
  for (std::size_t i = 0; i < turns.size(); ++i)
    if (Refusal refusal = read_turn(turns[i], step(where, i), out.chat.messages)) return refusal;
  if (Refusal refusal = check_results(field.name, out.chat.messages)) return refusal;
  // The assistant's last words begin the answer; unlike Mistral's prefix they are not repeated.
  out.chat.continue_final_message = out.chat.messages.back().at("role").as_string() == "assistant";
  return {};
}

Refusal read_stop_sequences(const Field& field, const json::value& value, CompletionRequest& out) {
  if (!value.is_array())
    return invalid_value({std::string(field.name)}, "list_type", "a list of texts is expected");
  return read_stop(field, value, out);
}

Refusal read_thinking(const Field& field, const json::value& value, CompletionRequest& out) {
  const Location where = {std::string(field.name)};
  if (!value.is_object()) return invalid_value(where, "dict_type", "an object is expected");
  const json::value* given = value.get_object().if_contains("type");
  if (!given) return invalid_value(step(where, "type"), "missing", "the field is missing");
  std::string type;
  if (Refusal refusal = read_string(*given, step(where, "type"), type)) return refusal;
  if (type != "disabled" && type != "enabled" && type != "adaptive")
    return invalid_value(step(where, "type"), "enum",
                         "expected 'enabled', 'adaptive' or 'disabled'");
  out.chat.wants_thinking = type != "disabled";
  if (type == "disabled") out.chat.reasoning_effort = "none";
  return {};
}

// clang-format off
constexpr Field kPrompt[] = {
    {"model", "string", &C::model, 0, 0, true, "id or alias from /v1/models"},
    {"system", "string | [text_block]", &read_system, 0, 0, false, "what the assistant is told before"},
    {"messages", "[turn]", &read_turns, 0, 0, true, "the conversation; an assistant's last one is continued"},
    {"tools", "[messages_tool]", &read_messages_tools, 0, 0, false, "functions that the answer may call, at most 512"},
    {"tool_choice", "messages_tool_choice", &read_messages_choice, 0, 0, false, "auto, any (one call at least), tool (this one) or none"},
    {"thinking", "thinking_config", &read_thinking, 0, 0, false, "whether a model that can think before it answers does"},
    {"output_config", "object", Refused{"{}"}},
    {"output_format", "object", Refused{}},
    {"context_management", "object", Refused{}},
    {"mcp_servers", "array", Refused{"[]"}},
    {"container", "string | object", Refused{}},
    {"cache_control", "object", Ignored{}},
};

constexpr Field kSampling[] = {
    {"max_tokens", "integer", &G::max_tokens, 1, kIntMax, true, "longest answer"},
    {"stream", "boolean", &C::stream, 0, 0, false, "server-sent events instead of one answer"},
    {"stop_sequences", "[string]", &read_stop_sequences, 0, 0, false, "at most 16 of 256 bytes; not part of the answer"},
    {"temperature", "number", &S::temperature, 0, 1, false, "0 is greedy"},
    {"top_p", "number", &read_top_p, 0, 1, false, "nucleus sampling"},
    {"top_k", "integer", &S::top_k, 0, kIntMax, false, "0 is off"},
    {"metadata", "object", Ignored{}},
    {"service_tier", "string", Ignored{}},
};
// clang-format on

Refusal finish_count(CompletionRequest& out) {
  return finish_tools(out);
}

Refusal finish_messages(CompletionRequest& out) {
  if (Refusal refusal = finish_tools(out)) return refusal;
  out.prompts.emplace_back(std::move(out.chat));
  return {};
}

}  // namespace

const BodySchema& messages_body() {
  static const BodySchema schema{"MessagesRequest", {kPrompt, kSampling}, &finish_messages};
  return schema;
}

const BodySchema& count_tokens_body() {
  static const BodySchema schema{"CountTokensRequest", {kPrompt}, &finish_count};
  return schema;
}

}  // namespace aquilon::api
