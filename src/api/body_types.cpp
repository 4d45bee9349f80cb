// The objects that nest in bodies, and the strict check over them.
#include <algorithm>
#include <boost/json/serialize.hpp>

#include "api/body_schema.h"
#include "api/field_values_internal.h"

namespace aquilon::api {
namespace {

namespace json = boost::json;

// clang-format off
constexpr Member kMessage[] = {
    {"role", "string", true, "system, developer, user, assistant or tool"},
    {"content", "string | [content_part]", false, "text; an assistant's with tool_calls may have none"},
    {"prefix", "boolean", false, "of the last message, if it is the assistant's: the answer begins with it"},
    {"refusal", "any", false, "accepted; has no effect"},
    {"annotations", "any", false, "accepted; has no effect"},
    {"reasoning_content", "string", false, "of an assistant: what it thought, for models whose format shows that"},
    {"reasoning", "string", false, "the same"},
    {"tool_calls", "[tool_call]", false, "of an assistant: what it called; a message of role tool has to follow for each"},
    {"tool_call_id", "string", false, "of a tool: whose result it is"},
    {"name", "string", false, "of a tool: its name"},
    {"function_call", "object", false, "not supported"},
    {"audio", "object", false, "not supported"},
};

constexpr Member kToolCall[] = {
    {"id", "string", false, "kept as it is"},
    {"type", "string", false, "function"},
    {"function", "called_function", true},
    {"index", "integer", false, "accepted; has no effect"},
};

constexpr Member kCalledFunction[] = {
    {"name", "string", true},
    {"arguments", "string | object", false, "JSON"},
};

constexpr Member kTool[] = {
    {"type", "string", false, "function"},
    {"function", "function", true},
};

constexpr Member kFunction[] = {
    {"name", "string", true, "at most 64 letters, digits, _ and -"},
    {"description", "string", false, "for the model"},
    {"parameters", "object", false, "JSON Schema of the arguments; default: none are taken"},
    {"strict", "boolean", false, "true: the schema is enforced as a whole or refused; default: as far as it can be; false: names and required arguments"},
};

constexpr Member kToolChoice[] = {
    {"type", "string", false, "function, or allowed_tools"},
    {"function", "object", false, "name: the tool to call"},
    {"name", "string", false, "the same without function around it"},
    {"allowed_tools", "object", false, "mode: auto or required; tools: those that may be called"},
    {"mode", "string"},
    {"tools", "array"},
};

constexpr Member kContentPart[] = {
    {"type", "string", true, "text; thinking of an assistant"},
    {"text", "string", false, "parts are joined by line breaks"},
    {"thinking", "string | [content_part]", false, "of thinking: what the assistant thought"},
    {"closed", "boolean", false, "of thinking: accepted; has no effect"},
};

constexpr Member kStreamOptions[] = {
    {"include_usage", "boolean", false, "one more chunk, with usage and no choices"},
    {"include_obfuscation", "boolean", false, "accepted; has no effect"},
};

constexpr Member kPrediction[] = {
    {"type", "string", true, "content"},
    {"content", "string | [content_part]", true, "the text"},
};

constexpr Member kResponseFormat[] = {
    {"type", "string", true, "text, json_object or json_schema"},
    {"json_schema", "json_schema_format", false, "with json_schema"},
};

constexpr Member kJsonSchemaFormat[] = {
    {"name", "string", false, "accepted; has no effect"},
    {"description", "string", false, "accepted; has no effect"},
    {"schema", "any", true, "a JSON Schema; what of it cannot be enforced is refused"},
    {"strict", "boolean", false, "false: what cannot be enforced is left out, and told in the answer's x-unenforced"},
};

constexpr Member kStructuredOutputs[] = {
    {"json", "object | string", false, "a JSON Schema"},
    {"regex", "string", false, "a regular expression"},
    {"choice", "[string]", false, "the texts to choose from"},
    {"grammar", "string", false, "GBNF or Lark's notation"},
    {"json_object", "boolean", false, "any JSON object"},
    {"disable_any_whitespace", "boolean", false, "as json_whitespace: compact"},
};

constexpr Member kTurn[] = {
    {"role", "string", true, "user or assistant; neighbouring turns of one role are one"},
    {"content", "string | [text_block]", true, "text, calls and their results"},
};

constexpr Member kMessagesTool[] = {
    {"name", "string", true, "at most 64 letters, digits, _ and -"},
    {"description", "string", false, "for the model"},
    {"input_schema", "object", false, "JSON Schema of the arguments"},
    {"strict", "boolean", false, "true: the schema is enforced as a whole or refused; default: as far as it can be; false: names and required arguments"},
    {"type", "string", false, "custom"},
    {"cache_control", "object", false, "accepted; has no effect"},
    {"input_examples", "array", false, "accepted; has no effect"},
    {"defer_loading", "boolean", false, "accepted; has no effect"},
    {"eager_input_streaming", "boolean", false, "accepted; has no effect"},
    {"allowed_callers", "array", false, "accepted; has no effect"},
};

constexpr Member kMessagesToolChoice[] = {
    {"type", "string", true, "auto, any, tool or none"},
    {"name", "string", false, "with tool: which"},
    {"disable_parallel_tool_use", "boolean", false, "one call at most"},
};

constexpr Member kTextBlock[] = {
    {"type", "string", true, "text; tool_use of an assistant, tool_result of a user; thinking of an assistant; redacted_thinking is left out"},
    {"text", "string", false, "blocks are joined by line breaks"},
    {"cache_control", "object", false, "accepted; has no effect: what was computed is kept by itself"},
    {"citations", "any", false, "accepted; has no effect"},
    {"thinking", "string", false, "what the assistant thought, for models whose format shows that"},
    {"signature", "string"},
    {"data", "string"},
    {"id", "string", false, "of tool_use"},
    {"name", "string", false, "of tool_use"},
    {"input", "object", false, "of tool_use: the arguments"},
    {"tool_use_id", "string", false, "of tool_result: whose result it is"},
    {"content", "string | [text_block]", false, "of tool_result"},
    {"is_error", "boolean", false, "of tool_result"},
    {"caller", "any", false, "accepted; has no effect"},
};

constexpr Member kInputItem[] = {
    {"type", "string", false, "message, reasoning, function_call or function_call_output"},
    {"summary", "array", false, "of reasoning: its texts count where there is no content"},
    {"encrypted_content", "any", false, "accepted; has no effect"},
    {"role", "string", false, "of a message: system, developer, user or assistant"},
    {"content", "string | [input_part]", false, "of a message, or of reasoning: text"},
    {"call_id", "string", false, "of a call and its output"},
    {"name", "string", false, "of a call"},
    {"arguments", "string", false, "of a call: JSON"},
    {"output", "string | [input_part]", false, "of a call: its result, behind the calls of the same turn"},
    {"caller", "any", false, "accepted; has no effect"},
    {"namespace", "any", false, "accepted; has no effect"},
    {"id", "string", false, "accepted; has no effect"},
    {"status", "string", false, "accepted; has no effect"},
    {"phase", "string", false, "accepted; has no effect"},
};

constexpr Member kInputPart[] = {
    {"type", "string", true, "input_text or output_text; reasoning_text of reasoning"},
    {"text", "string", true, "parts are joined by line breaks"},
    {"annotations", "array", false, "accepted; has no effect"},
    {"logprobs", "array", false, "accepted; has no effect"},
};

constexpr Member kResponsesTool[] = {
    {"type", "string", true, "function"},
    {"name", "string", true, "at most 64 letters, digits, _ and -"},
    {"description", "string", false, "for the model"},
    {"parameters", "object", false, "JSON Schema of the arguments; default: none are taken"},
    {"strict", "boolean", false, "true: the schema is enforced as a whole or refused; default: as far as it can be; false: names and required arguments"},
};

constexpr Member kTextConfig[] = {
    {"format", "text_format", false, "what the answer is"},
    {"verbosity", "string", false, "accepted; has no effect"},
};

constexpr Member kTextFormat[] = {
    {"type", "string", true, "text, json_object or json_schema"},
    {"name", "string", false, "accepted; has no effect"},
    {"description", "string", false, "accepted; has no effect"},
    {"schema", "any", false, "with json_schema: a JSON Schema; what of it cannot be enforced is refused"},
    {"strict", "boolean", false, "false: what cannot be enforced is left out, and told in the answer's x-unenforced"},
};

constexpr Member kReasoning[] = {
    {"effort", "string", false, "\"none\" is of every model"},
    {"summary", "any", false, "accepted; has no effect"},
    {"generate_summary", "any", false, "accepted; has no effect"},
};

constexpr Member kThinking[] = {
    {"type", "string", true, "enabled or adaptive, of models that think; disabled"},
    {"budget_tokens", "integer", false, "accepted; has no effect: max_tokens counts thoughts as well"},
    {"display", "string", false, "accepted; has no effect"},
};

constexpr Member kLora[] = {
    {"id", "integer", true, "number of the adapter, in the order of serve's --lora, from 0"},
    {"scale", "number", true, "-100 to 100; of all, one may be other than 0"},
};

constexpr ObjectType kTypes[] = {
    {"message", kMessage},
    {"tool_call", kToolCall},
    {"called_function", kCalledFunction},
    {"tool", kTool},
    {"function", kFunction},
    {"tool_choice", kToolChoice},
    {"content_part", kContentPart},
    {"stream_options", kStreamOptions},
    {"prediction", kPrediction},
    {"response_format", kResponseFormat},
    {"json_schema_format", kJsonSchemaFormat},
    {"structured_outputs", kStructuredOutputs},
    {"turn", kTurn},
    {"text_block", kTextBlock},
    {"messages_tool", kMessagesTool},
    {"messages_tool_choice", kMessagesToolChoice},
    {"input_item", kInputItem},
    {"input_part", kInputPart},
    {"responses_tool", kResponsesTool},
    {"text_config", kTextConfig},
    {"text_format", kTextFormat},
    {"reasoning", kReasoning},
    {"thinking_config", kThinking},
    {"lora", kLora},
};
// clang-format on

// Longer values are not repeated in an error.
constexpr std::size_t kMaxShownInput = 256;

ApiError extra_forbidden(const Location& where, const json::value& value) {
  ApiError error = invalid_value(where, "extra_forbidden", "Extra inputs are not permitted");
  if (value.is_structured()) return error;
  std::string input = json::serialize(value);
  if (input.size() <= kMaxShownInput) error.input = std::move(input);
  return error;
}

Refusal check_object(const ObjectType& type, const json::object& object, const Location& where) {
  for (const auto& [key, value] : object) {
    const std::string_view name = key;
    const auto member = std::find_if(type.members.begin(), type.members.end(),
                                     [name](const Member& m) { return m.name == name; });
    if (member == type.members.end()) return extra_forbidden(step(where, name), value);
    if (Refusal refusal = check_known_members(member->type, value, step(where, name)))
      return refusal;
  }
  return {};
}

}  // namespace

std::span<const ObjectType> object_types() {
  return kTypes;
}

const ObjectType* find_object_type(std::string_view name) {
  for (const ObjectType& type : kTypes)
    if (type.name == name) return &type;
  return nullptr;
}

std::vector<std::string_view> type_alternatives(std::string_view type) {
  std::vector<std::string_view> out;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= type.size(); ++i) {
    const char c = i < type.size() ? type[i] : '|';
    depth += c == '[' ? 1 : c == ']' ? -1 : 0;
    if (c != '|' || depth != 0) continue;
    std::string_view one = type.substr(begin, i - begin);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    out.push_back(one);
    begin = i + 1;
  }
  return out;
}

Refusal check_known_members(std::string_view type, const json::value& value,
                            const Location& where) {
  for (const std::string_view one : type_alternatives(type)) {
    if (value.is_array() && one.starts_with('[')) {
      const json::array& list = value.get_array();
      const std::string_view inner = one.substr(1, one.size() - 2);
      for (std::size_t i = 0; i < list.size(); ++i)
        if (Refusal refusal = check_known_members(inner, list[i], step(where, i))) return refusal;
    } else if (const ObjectType* object = value.is_object() ? find_object_type(one) : nullptr) {
      return check_object(*object, value.get_object(), where);
    }
  }
  return {};
}

Refusal check_known_fields(std::span<const std::span<const Field>> tables,
                           const json::object& body) {
  for (const auto& [key, value] : body) {
    const std::string_view name = key;
    const Field* known = nullptr;
    for (const std::span<const Field> table : tables)
      for (const Field& field : table)
        if (field.name == name) known = &field;
    if (!known) return extra_forbidden({std::string(name)}, value);
    if (Refusal refusal = check_known_members(known->type, value, {std::string(name)}))
      return refusal;
  }
  return {};
}

}  // namespace aquilon::api
