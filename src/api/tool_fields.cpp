#include <algorithm>

#include "api/field_readers_internal.h"
#include "api/tool_fields_internal.h"

namespace aquilon::api {
namespace {

namespace json = boost::json;
using chat::ToolChoice;

Refusal check_name(const std::string& name, const Location& where) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  if (name.size() <= kMaxToolName && std::all_of(name.begin(), name.end(), fits)) return {};
  return invalid_value(
      where, "string_pattern_mismatch",
      fmt::format("at most {} letters, digits, '_' and '-' are expected", kMaxToolName));
}

// {"type": "function", "function": {...}}: the object inside.
Refusal read_function(const json::value& value, const Location& where, const json::object*& out) {
  if (!value.is_object()) return invalid_value(where, "dict_type", "an object is expected");
  const json::object& object = value.get_object();
  std::string type = "function";
  if (const json::value* given = object.if_contains("type"); given && !given->is_null())
    if (Refusal refusal = read_string(*given, step(where, "type"), type)) return refusal;
  if (type != "function")
    return bad_request(where.front(), "unsupported_parameter",
                       "'{}' of type '{}' are not supported by this server: use functions",
                       where.front(), type);
  const json::value* function = object.if_contains("function");
  if (!function || !function->is_object())
    return invalid_value(step(where, "function"), "missing", "an object is expected");
  out = &function->get_object();
  return {};
}

Refusal read_choice_word(const json::value& value, const Location& where, CompletionRequest& out) {
  std::string word;
  if (Refusal refusal = read_string(value, where, word)) return refusal;
  if (word == "auto") return {};
  out.tool_rules.choice = word == "none" ? ToolChoice::kNone : ToolChoice::kRequired;
  if (word == "none" || word == "any" || word == "required") return {};
  return invalid_value(where, "enum",
                       "expected 'auto', 'none', 'any', 'required' or an object that names a tool");
}

// {"mode": "auto" or "required", "tools": [...]}
Refusal read_allowed(const json::object& choice, const Location& where, CompletionRequest& out) {
  const json::value* inner = choice.if_contains("allowed_tools");
  const json::object& allowed = inner && inner->is_object() ? inner->get_object() : choice;
  const Location here = &allowed == &choice ? where : step(where, "allowed_tools");
  const json::value* mode = allowed.if_contains("mode");
  if (mode)
    if (Refusal refusal = read_choice_word(*mode, step(here, "mode"), out)) return refusal;
  const json::value* tools = allowed.if_contains("tools");
  if (!tools || !tools->is_array() || tools->get_array().empty())
    return invalid_value(step(here, "tools"), "missing", "a list of tools is expected");
  for (std::size_t i = 0; i < tools->get_array().size(); ++i) {
    const Location place = step(step(here, "tools"), i);
    const json::value& tool = tools->get_array()[i];
    if (!tool.is_object()) return invalid_value(place, "dict_type", "an object is expected");
    const json::object* function = &tool.get_object();
    if (function->contains("function"))  // else flat, as in responses
      if (Refusal refusal = read_function(tool, place, function)) return refusal;
    std::string& name = out.tool_rules.names.emplace_back();
    if (Refusal refusal = read_member(*function, "name", place, name)) return refusal;
  }
  return {};
}

bool is_wanted(const chat::Tool& tool, const std::vector<std::string>& names) {
  return names.empty() || std::find(names.begin(), names.end(), tool.name) != names.end();
}

}  // namespace

Refusal read_member(const json::object& object, std::string_view name, const Location& where,
                    std::string& out) {
  const json::value* value = object.if_contains(name);
  if (!value) return invalid_value(step(where, name), "missing", "the field is missing");
  if (Refusal refusal = read_string(*value, step(where, name), out)) return refusal;
  if (!out.empty()) return {};
  return invalid_value(step(where, name), "string_too_short", "a text is expected");
}

Refusal add_tool(const json::object& function, std::string_view schema, const Location& where,
                 CompletionRequest& out) {
  chat::ToolUse& use = out.generation.tools;
  chat::Tool tool;
  if (Refusal refusal = read_member(function, "name", where, tool.name)) return refusal;
  if (Refusal refusal = check_name(tool.name, step(where, "name"))) return refusal;
  const auto same = [&](const chat::Tool& other) { return other.name == tool.name; };
  if (std::any_of(use.tools.begin(), use.tools.end(), same))
    return bad_request("tools", "invalid_value", "two tools have the name '{}'", tool.name);
  json::object shown{{"name", tool.name}};
  if (const json::value* text = function.if_contains("description"); text && !text->is_null()) {
    std::string description;
    if (Refusal refusal = read_string(*text, step(where, "description"), description))
      return refusal;
    shown["description"] = description;
  }
  if (const json::value* given = function.if_contains(schema); given && !given->is_null()) {
    if (!given->is_object())
      return invalid_value(step(where, schema), "dict_type", "a JSON Schema is expected");
    tool.parameters = *given;
    shown["parameters"] = *given;
  }
  if (const json::value* strict = function.if_contains("strict"); strict && !strict->is_null())
    if (Refusal refusal = read_bool(*strict, step(where, "strict"), tool.strict.emplace()))
      return refusal;
  use.tools.push_back(std::move(tool));
  if (!out.chat.tools.is_array()) out.chat.tools = json::array();
  out.chat.tools.get_array().push_back(
      json::object{{"type", "function"}, {"function", std::move(shown)}});
  return {};
}

Refusal check_tool_list(const json::value& value, const Location& where) {
  if (!value.is_array()) return invalid_value(where, "list_type", "a list of tools is expected");
  if (value.get_array().size() > kMaxTools)
    return invalid_value(where, "too_long", fmt::format("at most {} tools", kMaxTools));
  return {};
}

Refusal read_tools(const Field& field, const json::value& value, CompletionRequest& out) {
  const Location where = {std::string(field.name)};
  if (Refusal refusal = check_tool_list(value, where)) return refusal;
  const json::array& tools = value.get_array();
  for (std::size_t i = 0; i < tools.size(); ++i) {
    const json::object* function = nullptr;
    if (Refusal refusal = read_function(tools[i], step(where, i), function)) return refusal;
    if (Refusal refusal = add_tool(*function, "parameters", step(step(where, i), "function"), out))
      return refusal;
  }
  return {};
}

Refusal read_tool_choice(const Field& field, const json::value& value, CompletionRequest& out) {
  const Location where = {std::string(field.name)};
  if (!value.is_object()) return read_choice_word(value, where, out);
  const json::object& choice = value.get_object();
  const json::value* type = choice.if_contains("type");
  if (type && *type == "allowed_tools") return read_allowed(choice, where, out);
  out.tool_rules.choice = ToolChoice::kRequired;
  const json::object* function = &choice;
  out.tool_rules.one_named = true;
  const bool flat = !choice.contains("function") && choice.contains("name");  // as in responses
  if (!flat)
    if (Refusal refusal = read_function(value, where, function)) return refusal;
  return read_member(*function, "name", flat ? where : step(where, "function"),
                     out.tool_rules.names.emplace_back());
}

Refusal finish_tools(CompletionRequest& out, std::string_view field) {
  chat::ToolUse& use = out.generation.tools;
  const ToolRules& rules = out.tool_rules;
  use.choice = rules.choice;
  use.parallel = rules.parallel && !rules.one_named;
  out.chat.must_call = use.choice == ToolChoice::kRequired;
  if (!use.any()) {
    if (use.choice != ToolChoice::kRequired && rules.names.empty()) return {};
    return bad_request(field, "invalid_value", "'{}' asks for a tool, but there are no 'tools'",
                       field);
  }
  for (const std::string& name : rules.names)
    if (std::none_of(use.tools.begin(), use.tools.end(),
                     [&](const chat::Tool& tool) { return tool.name == name; }))
      return bad_request(field, "invalid_value", "'{}' names '{}', which is none of the 'tools'",
                         field, name.substr(0, kMaxToolName));
  std::erase_if(use.tools, [&](const chat::Tool& tool) { return !is_wanted(tool, rules.names); });
  if (use.choice == ToolChoice::kNone) out.chat.tools = nullptr;  // the model is told of none
  // An answer of a form that must not call is held to that form alone.
  const bool form = out.generation.constraint.kind != chat::AnswerConstraint::Kind::kNone;
  if (form && use.choice == ToolChoice::kNone) use.tools.clear();
  return {};
}

}  // namespace aquilon::api
