#include "api/openapi.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "api/body_schema.h"
#include "api/router.h"

namespace aquilon::api {

extern const char kAnswerSchemasJson[];  // data/answer_schemas.json

namespace {

namespace json = boost::json;

constexpr double kExactInDouble = 0x1p53;

json::object reference(std::string_view kind, std::string_view name) {
  return {{"$ref", fmt::format("#/components/{}/{}", kind, name)}};
}

json::object one_schema(std::string_view type);

// Of "string | [message]".
json::object type_schema(std::string_view type) {
  const std::vector<std::string_view> alternatives = type_alternatives(type);
  if (alternatives.size() == 1) return one_schema(alternatives.front());
  json::array any;
  for (const std::string_view one : alternatives) any.push_back(one_schema(one));
  return {{"anyOf", std::move(any)}};
}

json::object one_schema(std::string_view type) {
  if (type == "any") return {};
  if (type.starts_with('['))
    return {{"type", "array"}, {"items", type_schema(type.substr(1, type.size() - 2))}};
  if (find_object_type(type)) return reference("schemas", type);
  return {{"type", type}};
}

// Null counts as absent.
json::object or_null(json::object schema) {
  if (json::value* type = schema.if_contains("type")) {
    *type = json::array{*type, "null"};
    return schema;
  }
  json::array any;
  if (const json::value* alternatives = schema.if_contains("anyOf")) {
    any = alternatives->get_array();
  } else if (schema.empty()) {
    return schema;
  } else {
    any.push_back(std::move(schema));
  }
  any.push_back(json::object{{"type", "null"}});
  return {{"anyOf", std::move(any)}};
}

void put_limit(json::object& schema, std::string_view key, double limit) {
  if (std::abs(limit) > kExactInDouble) return;
  if (limit == std::floor(limit)) {
    schema[key] = static_cast<std::int64_t>(limit);
  } else {
    schema[key] = limit;
  }
}

// What a field that this server does not have still accepts, beside null.
json::object refused_schema(std::string_view neutral) {
  json::array values = {nullptr};
  while (!neutral.empty()) {
    const std::size_t end = std::min(neutral.find('|'), neutral.size());
    values.push_back(json::parse(json::string_view(neutral.data(), end)));
    neutral.remove_prefix(std::min(end + 1, neutral.size()));
  }
  return {{"enum", std::move(values)}, {"description", "not supported"}};
}

json::object field_schema(const Field& field, bool required) {
  if (const auto* refused = std::get_if<Refused>(&field.target))
    return refused_schema(refused->neutral);
  json::object schema = type_schema(field.type);
  if (!required) schema = or_null(std::move(schema));
  const std::vector<std::string_view> types = type_alternatives(field.type);
  const bool numeric = std::any_of(types.begin(), types.end(), [](std::string_view type) {
    return type == "number" || type == "integer";
  });
  if (numeric && field.max > field.min) {  // limits hold for numbers alone
    put_limit(schema, "minimum", field.min);
    put_limit(schema, "maximum", field.max);
  }
  const bool ignored = std::holds_alternative<Ignored>(field.target);
  const std::string_view help = ignored ? "accepted; has no effect" : field.help;
  if (!help.empty()) schema["description"] = help;
  return schema;
}

json::object object_schema(json::object properties, json::array required) {
  json::object schema{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

json::object body_schema(const Route& route) {
  const BodySchema& body = route.body();
  const bool model_optional = route.errors == ErrorForm::kAzure;
  json::object properties;
  json::array required;
  for (const std::span<const Field> table : body.tables) {
    for (const Field& field : table) {
      const bool needed = field.required && !(model_optional && field.name == "model");
      properties[field.name] = field_schema(field, needed);
      if (needed) required.push_back(json::value(field.name));
    }
  }
  return object_schema(std::move(properties), std::move(required));
}

json::object nested_schema(const ObjectType& type) {
  json::object properties;
  json::array required;
  for (const Member& member : type.members) {
    json::object schema = type_schema(member.type);
    if (!member.required) schema = or_null(std::move(schema));
    if (!member.help.empty()) schema["description"] = member.help;
    properties[member.name] = std::move(schema);
    if (member.required) required.push_back(json::value(member.name));
  }
  return object_schema(std::move(properties), std::move(required));
}

std::string operation_id(const Route& route) {
  std::string id = route.method == "GET" ? "get" : "post";
  for (const char c : route.pattern) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (word) {
      id += c;
    } else if (id.back() != '_') {
      id += '_';
    }
  }
  while (id.ends_with('_')) id.pop_back();
  return id;
}

json::object media(std::string_view component) {
  return {{"schema", reference("schemas", component)}};
}

// An event of a stream, as schemas of text/event-stream have it: its fields, data being JSON.
json::object event_media(std::string_view component) {
  const json::object done{{"const", "[DONE]"}};
  const json::object data{{"type", "string"},
                          {"contentMediaType", "application/json"},
                          {"contentSchema", reference("schemas", component)}};
  const json::object text{{"type", "string"}};
  return {{"schema", object_schema({{"data", json::object{{"anyOf", json::array{data, done}}}},
                                    {"event", text},
                                    {"id", text}},
                                   {"data"})}};
}

json::object responses(const Route& route) {
  json::object ok{{"description", "the answer"}};
  if (!route.answer.empty()) {
    const char* type = route.answer == "Metrics" ? "text/plain" : "application/json";
    json::object types{{type, media(route.answer)}};
    if (!route.event.empty()) types["text/event-stream"] = event_media(route.event);
    ok["content"] = std::move(types);
  }
  const bool anthropic = route.errors == ErrorForm::kAnthropic;
  return {{"200", std::move(ok)},
          {"default", reference("responses", anthropic ? "AnthropicError" : "Error")}};
}

json::object operation(const Route& route) {
  json::object out{{"summary", route.summary}, {"operationId", operation_id(route)}};
  if (route.pattern.find("{id}") != route.pattern.npos)
    out["parameters"] = json::array{json::object{{"name", "id"},
                                                 {"in", "path"},
                                                 {"required", true},
                                                 {"description", "id or alias of a model"},
                                                 {"schema", json::object{{"type", "string"}}}}};
  if (route.body)
    out["requestBody"] =
        json::object{{"required", true},
                     {"content", json::object{{"application/json", media(body_component(route))}}}};
  out["responses"] = responses(route);
  if (route.scope == Scope::kPublic) out["security"] = json::array();
  return out;
}

json::object components() {
  json::object out = json::parse(kAnswerSchemasJson).as_object();
  json::object& schemas = out.at("schemas").as_object();
  for (const ObjectType& type : object_types()) schemas[type.name] = nested_schema(type);
  for (const Route& route : api_routes())
    if (route.body) schemas[body_component(route)] = body_schema(route);
  const auto key = [](std::string_view name) {
    return json::object{{"type", "apiKey"}, {"in", "header"}, {"name", name}};
  };
  out["securitySchemes"] =
      json::object{{"bearer", json::object{{"type", "http"}, {"scheme", "bearer"}}},
                   {"api_key", key("api-key")},
                   {"x_api_key", key("x-api-key")}};
  return out;
}

std::string build() {
  json::object paths;
  for (const Route& route : api_routes()) {
    if (route.answer.empty()) continue;  // the page
    json::value& path = paths[route.pattern];
    if (path.is_null()) path = json::object();
    path.as_object()[route.method == "GET" ? "get" : "post"] = operation(route);
  }
  const auto scheme = [](std::string_view name) { return json::object{{name, json::array()}}; };
  const json::object document{
      {"openapi", "3.1.0"},
      {"info", json::object{{"title", "Aquilon"},
                            {"version", AQUILON_VERSION},
                            {"description",
                             "Unknown fields of bodies are ignored, and refused with serve "
                             "--strict; null counts as absent."}}},
      {"security", json::array{scheme("bearer"), scheme("api_key"), scheme("x_api_key")}},
      {"paths", std::move(paths)},
      {"components", components()}};
  return json::serialize(document);
}

}  // namespace

std::string body_component(const Route& route) {
  return fmt::format("{}{}", route.errors == ErrorForm::kAzure ? "Azure" : "", route.body().name);
}

const std::string& openapi_json() {
  static const std::string text = build();
  return text;
}

}  // namespace aquilon::api
