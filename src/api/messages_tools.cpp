// Tools in Anthropic's messages: their schemas, the choice, calls and results as blocks.
#include <boost/json/serialize.hpp>

#include "api/content_parts_internal.h"
#include "api/messages_tools_internal.h"
#include "api/tool_fields_internal.h"
#include "chat/mistral/python_json.h"

namespace aquilon::api {
namespace {

namespace json = boost::json;
using chat::ToolChoice;

constexpr std::string_view kText[] = {"text"};

std::string_view type_of(const json::value& block) {
  const json::object* object = block.if_object();
  const json::value* type = object ? object->if_contains("type") : nullptr;
  return type && type->is_string() ? std::string_view(type->get_string()) : std::string_view();
}

Refusal read_use(const json::object& block, const Location& where, json::array& calls) {
  std::string id, name;
  if (Refusal refusal = read_member(block, "id", where, id)) return refusal;
  if (Refusal refusal = read_member(block, "name", where, name)) return refusal;
  const json::value* input = block.if_contains("input");
  if (!input || !input->is_object())
    return invalid_value(step(where, "input"), "dict_type", "an object is expected");
  const json::object function{{"name", name}, {"arguments", chat::mistral::dump(*input)}};
  calls.push_back(json::object{{"id", id}, {"type", "function"}, {"function", function}});
  return {};
}

Refusal read_result(const json::object& block, const Location& where, json::array& results) {
  std::string id, text;
  if (Refusal refusal = read_member(block, "tool_use_id", where, id)) return refusal;
  const json::value* content = block.if_contains("content");
  const bool nothing =
      !content || content->is_null() || (content->is_array() && content->get_array().empty());
  if (!nothing)
    if (Refusal refusal =
            read_text_or_parts(*content, step(where, "content"), {.text = kText}, text))
      return refusal;
  const json::value* failed = block.if_contains("is_error");
  if (failed && failed->is_bool() && failed->get_bool()) text = "Error: " + text;
  results.push_back(json::object{{"role", "tool"}, {"tool_call_id", id}, {"content", text}});
  return {};
}

}  // namespace

Refusal take_tool_blocks(const json::array& blocks, const Location& where, std::string_view role,
                         ToolBlocks& out) {
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::string_view type = type_of(blocks[i]);
    const Location here = step(where, i);
    if (type == "tool_use" && role == "assistant") {
      if (Refusal refusal = read_use(blocks[i].get_object(), here, out.calls)) return refusal;
    } else if (type == "tool_result" && role == "user") {
      if (Refusal refusal = read_result(blocks[i].get_object(), here, out.results)) return refusal;
    } else {
      out.others.push_back(blocks[i]);
    }
  }
  return {};
}

Refusal read_messages_tools(const Field& field, const json::value& value, CompletionRequest& out) {
  const Location where = {std::string(field.name)};
  if (Refusal refusal = check_tool_list(value, where)) return refusal;
  const json::array& tools = value.get_array();
  for (std::size_t i = 0; i < tools.size(); ++i) {
    const Location here = step(where, i);
    if (!tools[i].is_object()) return invalid_value(here, "dict_type", "an object is expected");
    const std::string_view type = type_of(tools[i]);
    if (!type.empty() && type != "custom")
      return bad_request("tools", "unsupported_parameter",
                         "tools of type '{}' are not supported by this server: use your own",
                         type.substr(0, 64));
    if (Refusal refusal = add_tool(tools[i].get_object(), "input_schema", here, out))
      return refusal;
  }
  return {};
}

Refusal read_messages_choice(const Field& field, const json::value& value, CompletionRequest& out) {
  const Location where = {std::string(field.name)};
  if (!value.is_object()) return invalid_value(where, "dict_type", "an object is expected");
  const json::object& choice = value.get_object();
  std::string type;
  if (Refusal refusal = read_member(choice, "type", where, type)) return refusal;
  ToolRules& rules = out.tool_rules;
  if (type == "none") {
    rules.choice = ToolChoice::kNone;
  } else if (type == "any" || type == "tool") {
    rules.choice = ToolChoice::kRequired;
  } else if (type != "auto") {
    return invalid_value(step(where, "type"), "enum", "expected 'auto', 'any', 'tool' or 'none'");
  }
  rules.one_named = type == "tool";
  if (rules.one_named)
    if (Refusal refusal = read_member(choice, "name", where, rules.names.emplace_back()))
      return refusal;
  const json::value* single = choice.if_contains("disable_parallel_tool_use");
  if (!single || single->is_null()) return {};
  bool disabled = false;
  if (Refusal refusal = read_bool(*single, step(where, "disable_parallel_tool_use"), disabled))
    return refusal;
  rules.parallel = !disabled;
  return {};
}

}  // namespace aquilon::api
