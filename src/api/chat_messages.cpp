// The conversation of a chat request: roles, contents and their order.
#include <array>

#include "api/content_parts_internal.h"
#include "api/field_readers_internal.h"
#include "api/field_values_internal.h"
#include "api/tool_messages_internal.h"

namespace aquilon::api {
namespace {

namespace json = boost::json;

Refusal read_role(const json::object& message, const Location& where, std::string& role) {
  const json::value* value = message.if_contains("role");
  if (!value) return invalid_value(step(where, "role"), "missing", "the field is missing");
  if (Refusal refusal = read_string(*value, step(where, "role"), role)) return refusal;
  if (role == "developer") role = "system";
  if (role == "system" || role == "user" || role == "assistant" || role == "tool") return {};
  if (role == "function")
    return bad_request("messages", "unsupported_parameter",
                       "messages.{}.role 'function' is not supported by this server: use 'tool'",
                       where[1]);
  return invalid_value(step(where, "role"), "enum",
                       "expected 'system', 'developer', 'user', 'assistant' or 'tool'");
}

constexpr std::string_view kText[] = {"text"};
constexpr std::string_view kThought[] = {"thinking"};

bool is_set(const json::object& message, std::string_view name) {
  const json::value* value = message.if_contains(name);
  if (!value || value->is_null()) return false;
  if (value->is_array()) return !value->get_array().empty();
  return !value->is_bool() || value->get_bool();
}

// Mistral's `prefix`: the answer begins with this message.
Refusal read_prefix(const json::object& message, const Location& where, std::string_view role,
                    bool is_last, bool& prefix) {
  const json::value* value = message.if_contains("prefix");
  if (!value || value->is_null()) return {};
  if (Refusal refusal = read_bool(*value, step(where, "prefix"), prefix)) return refusal;
  if (!prefix || (is_last && role == "assistant")) return {};
  return message_order_error("messages",
                             fmt::format("messages.{}.prefix: only the last message, and if it is "
                                         "the assistant's, begins an answer",
                                         where[1]));
}

// What an assistant thought: parts of its content, as Mistral has them, or a text beside it, as
// others do. The model's format says what of it is written.
Refusal read_thoughts(const json::object& message, const Location& where, json::object& out) {
  std::string thoughts;
  if (const json::value* content = message.if_contains("content")) thoughts = thoughts_of(*content);
  for (const char* name : {"reasoning_content", "reasoning"}) {
    const json::value* beside = message.if_contains(name);
    if (!thoughts.empty() || !beside || beside->is_null()) continue;
    if (Refusal refusal = read_string(*beside, step(where, name), thoughts)) return refusal;
  }
  if (!thoughts.empty()) out["reasoning_content"] = thoughts;
  return {};
}

Refusal read_message(const json::value& value, const Location& where, bool is_last,
                     chat::ChatPrompt& out) {
  if (!value.is_object()) return invalid_value(where, "dict_type", "a message is an object");
  const json::object& message = value.get_object();
  std::string role;
  std::string content;
  if (Refusal refusal = read_role(message, where, role)) return refusal;
  static constexpr std::array<std::string_view, 2> kUnsupported = {"function_call", "audio"};
  for (const std::string_view name : kUnsupported)
    if (is_set(message, name))
      return bad_request("messages", "unsupported_parameter",
                         "'{}' of a message is not supported by this server: leave it out", name);
  json::object read{{"role", role}};
  PartTypes types{.text = kText};
  if (role == "assistant") types.left_out = kThought;
  json::array calls;
  if (role == "assistant")
    if (Refusal refusal = read_tool_calls(message, where, calls)) return refusal;
  if (role == "assistant")
    if (Refusal refusal = read_thoughts(message, where, read)) return refusal;
  if (role == "tool")
    if (Refusal refusal = read_result_members(message, where, read)) return refusal;
  if (calls.empty() || is_set(message, "content"))
    if (Refusal refusal = read_content(message, where, types, content)) return refusal;
  if (Refusal refusal = read_prefix(message, where, role, is_last, out.continue_final_message))
    return refusal;
  read["content"] = content;
  if (!calls.empty()) read["tool_calls"] = std::move(calls);
  out.messages.push_back(std::move(read));
  return {};
}

}  // namespace

Refusal read_prediction(const Field& field, const json::value& value, CompletionRequest& out) {
  const Location where = {std::string(field.name)};
  if (!value.is_object()) return invalid_value(where, "dict_type", "an object is expected");
  const json::value* type = value.get_object().if_contains("type");
  if (!type || *type != "content")
    return invalid_value(step(where, "type"), "enum", "expected 'content'");
  const json::value* content = value.get_object().if_contains("content");
  if (content && content->is_string() && content->get_string().empty()) return {};
  return read_content(value.get_object(), where, {.text = kText}, out.generation.prediction);
}

Refusal read_messages(const Field& field, const json::value& value, CompletionRequest& out) {
  const Location where = {std::string(field.name)};
  if (!value.is_array()) return invalid_value(where, "list_type", "a list of messages is expected");
  const json::array& messages = value.get_array();
  if (messages.empty())
    return invalid_value(where, "too_short", "at least one message is expected");
  if (messages.size() > kMaxMessages)
    return invalid_value(where, "too_long", fmt::format("at most {} messages", kMaxMessages));
  for (std::size_t i = 0; i < messages.size(); ++i)
    if (Refusal refusal =
            read_message(messages[i], step(where, i), i + 1 == messages.size(), out.chat))
      return refusal;
  if (Refusal refusal = check_results(field.name, out.chat.messages)) return refusal;
  const json::object& last = out.chat.messages.back().get_object();
  const std::string_view role = last.at("role").get_string();
  if (out.chat.continue_final_message) {
    out.answer_prefix = std::string_view(last.at("content").get_string());
  } else if (role != "user" && role != "tool") {
    return message_order_error("messages",
                               fmt::format("the last message must be the user's, a tool's, or the "
                                           "assistant's with 'prefix': true for an answer "
                                           "that it begins, but it is of role '{}'",
                                           role));
  }
  return {};
}

}  // namespace aquilon::api
