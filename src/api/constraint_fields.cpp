// Fields that say what an answer must be: OpenAI's and Mistral's, vLLM's, llama.cpp's. One a
// request.
#include <boost/json/parse.hpp>

#include "api/field_readers_internal.h"
#include "api/field_values_internal.h"

namespace aquilon::api {
namespace {

namespace json = boost::json;
using Kind = chat::AnswerConstraint::Kind;

constexpr std::size_t kMaxTexts = 10'000;

Refusal set(const Field& field, chat::AnswerConstraint constraint, CompletionRequest& out) {
  chat::AnswerConstraint& current = out.generation.constraint;
  if (current.kind != Kind::kNone)
    return invalid_value({std::string(field.name)}, "value_error",
                         fmt::format("'{}' says already what the answer must be", current.field));
  constraint.whitespace = current.whitespace;  // which another field may have set
  current = std::move(constraint);
  current.field = field.name;
  return {};
}

Refusal set_schema(const Field& field, const json::value& value, const Location& where,
                   CompletionRequest& out, bool best_effort = false) {
  chat::AnswerConstraint constraint{
      .kind = Kind::kJsonSchema, .schema = value, .best_effort = best_effort};
  if (value.is_string()) {
    json::error_code ec;
    constraint.schema = json::parse(value.get_string(), ec);
    if (ec) return invalid_value(where, "json_invalid", "a JSON Schema is expected");
  }
  if (!constraint.schema.is_object() && !constraint.schema.is_bool())
    return invalid_value(where, "dict_type", "a JSON Schema is expected");
  return set(field, std::move(constraint), out);
}

Refusal set_text(const Field& field, Kind kind, const json::value& value, const Location& where,
                 CompletionRequest& out) {
  chat::AnswerConstraint constraint{.kind = kind};
  if (Refusal refusal = read_string(value, where, constraint.text)) return refusal;
  return set(field, std::move(constraint), out);
}

Refusal set_choices(const Field& field, const json::value& value, const Location& where,
                    CompletionRequest& out) {
  if (!value.is_array()) return invalid_value(where, "list_type", "a list of texts is expected");
  if (value.get_array().size() > kMaxTexts)
    return invalid_value(where, "too_long", fmt::format("at most {} are possible", kMaxTexts));
  chat::AnswerConstraint constraint{.kind = Kind::kChoice};
  for (std::size_t i = 0; i < value.get_array().size(); ++i) {
    std::string text;
    if (Refusal refusal = read_string(value.get_array()[i], step(where, i), text)) return refusal;
    constraint.choices.push_back(std::move(text));
  }
  return set(field, std::move(constraint), out);
}

// What stands beside a schema.
Refusal read_schema_format(const Field& field, const json::object& format, const Location& where,
                           CompletionRequest& out) {
  const json::value* schema = format.if_contains("schema");
  if (schema == nullptr) return invalid_value(step(where, "schema"), "missing", "Field required");
  bool strict = true;
  if (const json::value* value = format.if_contains("strict");
      value != nullptr && !value->is_null())
    if (Refusal refusal = read_bool(*value, step(where, "strict"), strict)) return refusal;
  return set_schema(field, *schema, step(where, "schema"), out, !strict);
}

}  // namespace

Refusal read_answer_format(const Field& field, const json::value& value, const Location& where,
                           FormatForm form, CompletionRequest& out) {
  if (!value.is_object()) return invalid_value(where, "dict_type", "an object is expected");
  const json::object& format = value.get_object();
  const json::value* type = format.if_contains("type");
  std::string name;
  if (type == nullptr) return invalid_value(step(where, "type"), "missing", "Field required");
  if (Refusal refusal = read_string(*type, step(where, "type"), name)) return refusal;
  if (name == "text") return {};
  if (name == "json_object") return set(field, {.kind = Kind::kJsonObject}, out);
  if (name != "json_schema")
    return invalid_value(step(where, "type"), "literal_error",
                         "one of text, json_object, json_schema is expected");
  if (form == FormatForm::kFlat) return read_schema_format(field, format, where, out);
  const Location inner = step(where, "json_schema");
  const json::value* wrapped = format.if_contains("json_schema");
  if (wrapped == nullptr || !wrapped->is_object())
    return invalid_value(inner, "missing", "an object with a schema is expected");
  return read_schema_format(field, wrapped->get_object(), inner, out);
}

Refusal read_response_format(const Field& field, const json::value& value, CompletionRequest& out) {
  return read_answer_format(field, value, {std::string(field.name)}, FormatForm::kNested, out);
}

Refusal read_guided_json(const Field& field, const json::value& value, CompletionRequest& out) {
  return set_schema(field, value, {std::string(field.name)}, out);
}

Refusal read_guided_regex(const Field& field, const json::value& value, CompletionRequest& out) {
  return set_text(field, Kind::kRegex, value, {std::string(field.name)}, out);
}

Refusal read_guided_choice(const Field& field, const json::value& value, CompletionRequest& out) {
  return set_choices(field, value, {std::string(field.name)}, out);
}

Refusal read_guided_grammar(const Field& field, const json::value& value, CompletionRequest& out) {
  return set_text(field, Kind::kGrammar, value, {std::string(field.name)}, out);
}

Refusal read_json_whitespace(const Field& field, const json::value& value, CompletionRequest& out) {
  const Location here{std::string(field.name)};
  std::string name;
  if (Refusal refusal = read_string(value, here, name)) return refusal;
  if (name != "flexible" && name != "compact")
    return invalid_value(here, "literal_error", "one of flexible, compact is expected");
  if (name == "compact")
    out.generation.constraint.whitespace = constraint::WhitespacePolicy::compact();
  return {};
}

Refusal read_structured_outputs(const Field& field, const json::value& value,
                                CompletionRequest& out) {
  const Location here{std::string(field.name)};
  if (!value.is_object()) return invalid_value(here, "dict_type", "an object is expected");
  for (const auto& [key, member] : value.get_object()) {
    if (member.is_null()) continue;
    const Location where = step(here, std::string_view(key));
    Refusal refusal;
    if (key == "json") refusal = set_schema(field, member, where, out);
    if (key == "regex") refusal = set_text(field, Kind::kRegex, member, where, out);
    if (key == "choice") refusal = set_choices(field, member, where, out);
    if (key == "grammar") refusal = set_text(field, Kind::kGrammar, member, where, out);
    const bool changes_schema =
        key == "disable_additional_properties" && member != json::value(false);
    if (key == "structural_tag" || key == "whitespace_pattern" || changes_schema)
      return bad_request(field.name, "unsupported_parameter",
                         "'structured_outputs.{}' is not supported", std::string_view(key));
    if (key == "disable_any_whitespace" && member.is_bool() && member.get_bool())
      out.generation.constraint.whitespace = constraint::WhitespacePolicy::compact();
    if (key == "json_object" && member.is_bool() && member.get_bool())
      refusal = set(field, {.kind = Kind::kJsonObject}, out);
    if (refusal) return refusal;
  }
  return {};
}

}  // namespace aquilon::api
