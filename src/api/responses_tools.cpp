#include <boost/json/serialize.hpp>

#include "api/content_parts_internal.h"
#include "api/field_readers_internal.h"
#include "api/responses_tools_internal.h"
#include "api/tool_fields_internal.h"

namespace aquilon::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kText[] = {"input_text", "output_text", "text"};

bool is_assistant(const json::array& messages) {
  return !messages.empty() && messages.back().at("role") == json::value("assistant");
}

}  // namespace

// Its content, or else its summary. The message or the calls behind it are of the same turn.
Refusal read_reasoning_item(const json::object& item, CompletionRequest& out) {
  std::string thoughts;
  for (const char* name : {"content", "summary"}) {
    const json::value* parts = item.if_contains(name);
    if (!thoughts.empty() || !parts || !parts->is_array()) continue;
    for (const json::value& part : parts->get_array()) {
      const json::value* text = part.is_object() ? part.get_object().if_contains("text") : nullptr;
      if (text && text->is_string()) thoughts += std::string_view(text->get_string());
    }
  }
  if (!thoughts.empty())
    out.chat.messages.push_back(
        json::object{{"role", "assistant"}, {"content", ""}, {"reasoning_content", thoughts}});
  return {};
}

// Neighbouring calls, and the assistant's text before them, are one message.
Refusal read_call_item(const json::object& item, const Location& where, CompletionRequest& out) {
  std::string id, name, arguments;
  if (Refusal refusal = read_member(item, "call_id", where, id)) return refusal;
  if (Refusal refusal = read_member(item, "name", where, name)) return refusal;
  if (Refusal refusal = read_member(item, "arguments", where, arguments)) return refusal;
  json::array& messages = out.chat.messages;
  if (!is_assistant(messages))
    messages.push_back(json::object{{"role", "assistant"}, {"content", ""}});
  json::value& calls = messages.back().get_object()["tool_calls"];
  if (!calls.is_array()) calls = json::array();
  const json::object function{{"name", name}, {"arguments", arguments}};
  calls.get_array().push_back(
      json::object{{"id", id}, {"type", "function"}, {"function", function}});
  return {};
}

Refusal read_output_item(const json::object& item, const Location& where, CompletionRequest& out) {
  std::string id, text;
  if (Refusal refusal = read_member(item, "call_id", where, id)) return refusal;
  const json::value* output = item.if_contains("output");
  if (!output) return invalid_value(step(where, "output"), "missing", "a text is expected");
  const bool nothing = output->is_array() && output->get_array().empty();
  if (!nothing)
    if (Refusal refusal = read_text_or_parts(*output, step(where, "output"), {.text = kText}, text))
      return refusal;
  out.chat.messages.push_back(
      json::object{{"role", "tool"}, {"tool_call_id", id}, {"content", text}});
  return {};
}

Refusal read_responses_tools(const Field& field, const json::value& value, CompletionRequest& out) {
  const Location where = {std::string(field.name)};
  if (Refusal refusal = check_tool_list(value, where)) return refusal;
  const json::array& tools = value.get_array();
  for (std::size_t i = 0; i < tools.size(); ++i) {
    const Location here = step(where, i);
    if (!tools[i].is_object()) return invalid_value(here, "dict_type", "an object is expected");
    const json::object& tool = tools[i].get_object();
    std::string type;
    if (Refusal refusal = read_member(tool, "type", here, type)) return refusal;
    if (type != "function")
      return bad_request("tools", "unsupported_parameter",
                         "tools of type '{}' are not supported by this server: use functions",
                         type.substr(0, 64));
    if (Refusal refusal = add_tool(tool, "parameters", here, out)) return refusal;
  }
  out.tools_echo = json::serialize(value);
  return {};
}

Refusal read_responses_choice(const Field& field, const json::value& value,
                              CompletionRequest& out) {
  out.choice_echo = json::serialize(value);
  return read_tool_choice(field, value, out);
}

}  // namespace aquilon::api
