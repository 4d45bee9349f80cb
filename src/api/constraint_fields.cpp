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
  current = std::move(constraint);
  current.field = field.name;
  return {};
}

Refusal set_schema(const Field& field, const json::value& value, const Location& where,
                   CompletionRequest& out) {
  chat::AnswerConstraint constraint{.kind = Kind::kJsonSchema, .schema = value};
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

}  // namespace

Refusal read_response_format(const Field& field, const json::value& value, CompletionRequest& out) {
  const Location here{std::string(field.name)};
  if (!value.is_object()) return invalid_value(here, "dict_type", "an object is expected");
  const json::object& format = value.get_object();
  const json::value* type = format.if_contains("type");
  std::string name;
  if (type == nullptr) return invalid_value(step(here, "type"), "missing", "Field required");
  if (Refusal refusal = read_string(*type, step(here, "type"), name)) return refusal;
  if (name == "text") return {};
  if (name == "json_object") return set(field, {.kind = Kind::kJsonObject}, out);
  if (name != "json_schema")
    return invalid_value(step(here, "type"), "literal_error",
                         "one of text, json_object, json_schema is expected");
  const Location inner = step(here, "json_schema");
  const json::value* wrapped = format.if_contains("json_schema");
  if (wrapped == nullptr || !wrapped->is_object())
    return invalid_value(inner, "missing", "an object with a schema is expected");
  const json::value* schema = wrapped->get_object().if_contains("schema");
  if (schema == nullptr) return invalid_value(step(inner, "schema"), "missing", "Field required");
  return set_schema(field, *schema, step(inner, "schema"), out);
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
    if (key == "structural_tag")
      return bad_request(field.name, "unsupported_parameter",
                         "'structured_outputs.structural_tag' is not supported");
    if (key == "json_object" && member.is_bool() && member.get_bool())
      refusal = set(field, {.kind = Kind::kJsonObject}, out);
    if (refusal) return refusal;
  }
  return {};
}

}  // namespace aquilon::api
