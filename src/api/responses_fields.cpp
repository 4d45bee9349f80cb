// The body of OpenAI's responses, as far as a server without memory of its own can answer it.
#include <boost/json/serialize.hpp>
#include <limits>

#include "api/body_schema.h"
#include "api/content_parts_internal.h"
#include "api/field_readers_internal.h"
#include "api/responses_tools_internal.h"
#include "api/tool_fields_internal.h"
#include "api/tool_messages_internal.h"

namespace aquilon::api {
namespace {

namespace json = boost::json;

using S = engine::SamplingParams;
using G = chat::GenerationRequest;
using C = CompletionRequest;

constexpr double kIntMax = std::numeric_limits<int>::max();
constexpr std::string_view kText[] = {"input_text", "output_text", "text"};

void add_message(std::string_view role, std::string_view text, CompletionRequest& out) {
  json::array& messages = out.chat.messages;
  // Behind what the assistant thought.
  if (role == "assistant" && !messages.empty()) {
    json::object& last = messages.back().get_object();
    if (last.contains("reasoning_content") && last.at("content") == "" &&
        !last.contains("tool_calls")) {
      last["content"] = text;
      return;
    }
  }
  messages.push_back(json::object{{"role", role}, {"content", text}});
}

Refusal read_instructions(const Field& field, const json::value& value, CompletionRequest& out) {
  if (Refusal refusal = read_string(value, {std::string(field.name)}, out.instructions))
    return refusal;
  add_message("system", out.instructions, out);
  return {};
}

Refusal read_item(const json::value& value, const Location& where, CompletionRequest& out) {
  if (!value.is_object()) return invalid_value(where, "dict_type", "an item is an object");
  const json::object& item = value.get_object();
  if (const json::value* type_value = item.if_contains("type")) {
    std::string type;
    if (Refusal refusal = read_string(*type_value, step(where, "type"), type)) return refusal;
    if (type == "function_call") return read_call_item(item, where, out);
    if (type == "function_call_output") return read_output_item(item, where, out);
    if (type == "reasoning") return read_reasoning_item(item, out);
    if (type != "message")
      return bad_request("input", "unsupported_parameter",
                         "items of type '{}' are not supported by this server: send messages, "
                         "reasoning, function_call and function_call_output",
                         type);
  }
  const json::value* role_value = item.if_contains("role");
  if (!role_value) return invalid_value(step(where, "role"), "missing", "the field is missing");
  std::string role;
  if (Refusal refusal = read_string(*role_value, step(where, "role"), role)) return refusal;
  if (role == "developer") role = "system";
  if (role != "system" && role != "user" && role != "assistant")
    return invalid_value(step(where, "role"), "enum",
                         "expected 'system', 'developer', 'user' or 'assistant'");
  std::string text;
  if (Refusal refusal = read_content(item, where, {.text = kText}, text)) return refusal;
  add_message(role, text, out);
  return {};
}

Refusal read_input(const Field& field, const json::value& value, CompletionRequest& out) {
  const Location where = {std::string(field.name)};
  if (value.is_string()) {
    add_message("user", std::string_view(value.get_string()), out);
    return {};
  }
  if (!value.is_array())
    return invalid_value(where, "list_type", "a text or a list of items is expected");
  const json::array& items = value.get_array();
  if (items.empty()) return invalid_value(where, "too_short", "at least one item is expected");
  if (items.size() > kMaxMessages)
    return invalid_value(where, "too_long", fmt::format("at most {} items", kMaxMessages));
  for (std::size_t i = 0; i < items.size(); ++i)
    if (Refusal refusal = read_item(items[i], step(where, i), out)) return refusal;
  if (Refusal refusal = check_results(field.name, out.chat.messages)) return refusal;
  const json::string& last = out.chat.messages.back().at("role").as_string();
  if (last == "user" || last == "tool") return {};
  return message_order_error("input",
                             "the last item must be the user's message, or the output of a call");
}

Refusal read_text_config(const Field& field, const json::value& value, CompletionRequest& out) {
  const Location where = {std::string(field.name)};
  if (!value.is_object()) return invalid_value(where, "dict_type", "an object is expected");
  const json::value* format = value.get_object().if_contains("format");
  if (!format || format->is_null()) return {};
  if (Refusal refusal =
          read_answer_format(field, *format, step(where, "format"), FormatForm::kFlat, out))
    return refusal;
  out.text_format = json::serialize(*format);
  return {};
}

Refusal read_reasoning(const Field& field, const json::value& value, CompletionRequest& out) {
  const Location where = {std::string(field.name)};
  if (!value.is_object()) return invalid_value(where, "dict_type", "an object is expected");
  const json::value* effort = value.get_object().if_contains("effort");
  if (!effort || effort->is_null()) return {};
  return read_string(*effort, step(where, "effort"), out.reasoning_effort);
}

// clang-format off
constexpr Field kFields[] = {
    {"model", "string", &C::model, 0, 0, true, "id or alias from /v1/models"},
    {"instructions", "string", &read_instructions, 0, 0, false, "a system message in front of the input"},
    {"input", "string | [input_item]", &read_input, 0, 0, true, "the user's text, or messages of which the last is the user's"},
    {"max_output_tokens", "integer", &G::max_tokens, 1, kIntMax, false, "default: up to the end of the context"},
    {"stream", "boolean", &C::stream, 0, 0, false, "server-sent events instead of one answer"},
    {"temperature", "number", &S::temperature, 0, 2, false, "0 is greedy"},
    {"top_p", "number", &read_top_p, 0, 1, false, "nucleus sampling"},
    {"text", "text_config", &read_text_config, 0, 0, false, "the format: text, any JSON object, or a value of a JSON Schema"},
    {"store", "boolean", Refused{"false"}},
    {"previous_response_id", "string", Refused{}},
    {"conversation", "string | object", Refused{}},
    {"prompt", "object", Refused{}},
    {"background", "boolean", Refused{"false"}},
    {"tools", "[responses_tool]", &read_responses_tools, 0, 0, false, "functions that the answer may call, at most 512"},
    {"tool_choice", "string | tool_choice", &read_responses_choice, 0, 0, false, "auto, none, required (one call at least), one function, or allowed_tools"},
    {"max_tool_calls", "integer", Refused{}},
    {"include", "[string]", Refused{"[]"}},
    {"top_logprobs", "integer", Refused{"0"}},
    {"reasoning", "reasoning", &read_reasoning, 0, 0, false, "effort, for models that are told how long to think"},
    {"truncation", "string", Refused{"\"disabled\""}},
    {"context_management", "array", Refused{"[]"}},
    {"moderation", "object", Refused{}},
    {"parallel_tool_calls", "boolean", &ToolRules::parallel, 0, 0, false, "false: one call at most"},
    {"stream_options", "stream_options", Ignored{}},
    {"metadata", "object", Ignored{}},
    {"service_tier", "string", Refused{"\"auto\"|\"default\""}},
    {"prompt_cache_key", "string", Ignored{}},
    {"prompt_cache_options", "object", Ignored{}},
    {"prompt_cache_retention", "string", Ignored{}},
    {"safety_identifier", "string", Ignored{}},
    {"user", "string", Ignored{}},
};
// clang-format on

Refusal finish_responses(CompletionRequest& out) {
  if (Refusal refusal = finish_tools(out)) return refusal;
  out.chat.reasoning_effort = out.reasoning_effort;
  out.prompts.emplace_back(std::move(out.chat));
  return {};
}

}  // namespace

const BodySchema& responses_body() {
  static const BodySchema schema{"ResponsesRequest", {kFields}, &finish_responses};
  return schema;
}

}  // namespace aquilon::api
