#include "api/schema_check_for_test.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

namespace aquilon::api {
namespace {

namespace json = boost::json;

bool has_type(const json::value& value, std::string_view type) {
  if (type == "integer")  // 1.0 is one
    return value.is_number() && std::floor(value.to_number<double>()) == value.to_number<double>();
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_bool();
  if (type == "null") return value.is_null();
  return type == "array" ? value.is_array() : value.is_object();
}

bool fits_type(const json::value& value, const json::value& type) {
  if (type.is_string()) return has_type(value, std::string_view(type.get_string()));
  const json::array& any = type.as_array();
  return std::any_of(any.begin(), any.end(), [&](const json::value& one) {
    return has_type(value, std::string_view(one.as_string()));
  });
}

std::string object_problem(const json::object& object, const json::object& schema,
                           const json::value& root) {
  if (const json::value* required = schema.if_contains("required"))
    for (const json::value& name : required->as_array())
      if (!object.contains(name.as_string())) return "." + json::serialize(name) + " is missing";
  const json::value* properties = schema.if_contains("properties");
  if (!properties) return {};
  for (const auto& [name, member] : object) {
    const json::value* own = properties->as_object().if_contains(name);
    const std::string problem = own ? schema_problem(member, *own, root) : std::string();
    if (!problem.empty()) return "." + std::string(name) + problem;
  }
  return {};
}

}  // namespace

std::string schema_problem(const json::value& value, const json::value& schema,
                           const json::value& root) {
  const json::object& rules = schema.as_object();
  const std::string shown = " does not fit: " + json::serialize(value).substr(0, 200);
  if (const json::value* ref = rules.if_contains("$ref"))
    return schema_problem(value, root.at_pointer(ref->as_string().subview(1)), root);
  if (const json::value* any = rules.if_contains("anyOf")) {
    std::string problem;
    for (const json::value& one : any->as_array()) {
      problem = schema_problem(value, one, root);
      if (problem.empty()) return {};
    }
    return any->as_array().size() == 2 ? problem : shown;
  }
  if (const json::value* constant = rules.if_contains("const"))
    return *constant == value ? std::string() : shown;
  if (const json::value* values = rules.if_contains("enum")) {
    const json::array& list = values->as_array();
    return std::find(list.begin(), list.end(), value) != list.end() ? std::string() : shown;
  }
  const json::value* type = rules.if_contains("type");
  if (type && !fits_type(value, *type)) return shown;
  if (value.is_object()) return object_problem(value.get_object(), rules, root);
  const json::value* items = rules.if_contains("items");
  if (!value.is_array() || !items) return {};
  for (std::size_t i = 0; i < value.get_array().size(); ++i) {
    const std::string problem = schema_problem(value.get_array()[i], *items, root);
    if (!problem.empty()) return "[" + std::to_string(i) + "]" + problem;
  }
  return {};
}

}  // namespace aquilon::api
