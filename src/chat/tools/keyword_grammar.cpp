#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "chat/tools/keyword_grammar_internal.h"

namespace aquilon::chat {
namespace {

namespace json = boost::json;
using constraint::Part;

Part text(std::string of) {
  return {.kind = Part::Kind::kText, .text = std::move(of)};
}

bool is_required(const json::object& schema, std::string_view name) {
  const json::value* required = schema.if_contains("required");
  if (!required || !required->is_array()) return false;
  const json::array& names = required->get_array();
  return std::any_of(names.begin(), names.end(),
                     [&](const json::value& one) { return one == json::value(name); });
}

// References of the property are to the whole schema's definitions.
json::value with_definitions(const json::value& property, const json::object& schema) {
  const json::object* object = property.if_object();
  if (!object) return property;
  json::object whole = *object;
  for (const char* key : {"$defs", "definitions"})
    if (const json::value* definitions = schema.if_contains(key);
        definitions && !whole.contains(key))
      whole[key] = *definitions;
  return whole;
}

bool is_of_type(const json::value& property, std::string_view type) {
  const json::object* object = property.if_object();
  const json::value* given = object ? object->if_contains("type") : nullptr;
  return given && *given == json::value(type) && !object->contains("enum");
}

Part argument(std::string_view name, const json::value& property, const json::object& schema) {
  std::vector<Part> ways{
      {.kind = Part::Kind::kValue, .schema = with_definitions(property, schema)}};
  if (is_of_type(property, "boolean")) ways = {text("True"), text("False")};
  if (is_of_type(property, "null")) ways = {text("None")};
  return {.kind = Part::Kind::kSequence,
          .parts = {text(std::string(name) + "="),
                    {.kind = Part::Kind::kChoice, .parts = std::move(ways)}}};
}

Part sequence(std::vector<Part> parts) {
  return {.kind = Part::Kind::kSequence, .parts = std::move(parts)};
}

}  // namespace

// The first argument is any up to the first required one; all behind it have a comma in front.
Part keyword_grammar(const json::value& value) {
  const json::object* schema = value.if_object();
  const json::value* given = schema ? schema->if_contains("properties") : nullptr;
  const json::object* properties = given ? given->if_object() : nullptr;
  if (!properties) return {};
  std::vector<Part> arguments, behind;
  std::size_t firsts = 0;  // that may be the first
  bool some_required = false;
  for (const auto& member : *properties) {
    const bool required = is_required(*schema, member.key());
    if (!some_required) ++firsts;
    some_required = some_required || required;
    arguments.push_back(argument(member.key(), member.value(), *schema));
    behind.push_back({.kind = Part::Kind::kRepeat,
                      .parts = {text(", "), arguments.back()},
                      .min = required ? 1u : 0u,
                      .max = 1});
  }
  Part all{.kind = Part::Kind::kChoice};
  if (!some_required) all.parts.emplace_back();
  for (std::size_t first = 0; first < firsts; ++first) {
    std::vector<Part> parts{arguments[first]};
    parts.insert(parts.end(), behind.begin() + static_cast<std::ptrdiff_t>(first) + 1,
                 behind.end());
    all.parts.push_back(sequence(std::move(parts)));
  }
  return all;
}

}  // namespace aquilon::chat
