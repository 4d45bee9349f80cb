// The description as a document; that answers fit it is checked by cases_test.cpp.
#include "api/openapi.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <set>

#include "api/body_schema.h"

namespace aquilon::api {
namespace {

namespace json = boost::json;

const json::value& document() {
  static const json::value parsed = json::parse(openapi_json());
  return parsed;
}

void check_references(const json::value& value) {
  if (const json::array* array = value.if_array())
    for (const json::value& item : *array) check_references(item);
  const json::object* object = value.if_object();
  if (!object) return;
  for (const auto& [key, member] : *object) {
    if (key == "$ref") {
      json::error_code ec;
      EXPECT_NE(document().find_pointer(member.as_string().subview(1), ec), nullptr) << member;
    }
    check_references(member);
  }
}

TEST(OpenApiTest, EveryReferenceLeadsSomewhere) {
  check_references(document());
}

TEST(OpenApiTest, EveryRouteOfTheApiIsThereUnderAnIdOfItsOwn) {
  std::set<std::string> ids;
  for (const Route& route : api_routes()) {
    if (route.pattern == "/") continue;  // the page
    EXPECT_FALSE(route.answer.empty()) << route.pattern;
    EXPECT_EQ(route.body != nullptr, route.method == "POST") << route.pattern;
    const json::value& path = document().at("paths").at(route.pattern);
    const json::value& operation = path.at(route.method == "GET" ? "get" : "post");
    EXPECT_TRUE(ids.insert(std::string(operation.at("operationId").as_string())).second);
  }
}

// A name with a typing error would be a type of its own to JSON Schema.
void check_type(std::string_view type) {
  static const std::set<std::string_view> basic = {"any",    "array",  "boolean", "integer",
                                                   "number", "object", "string"};
  for (std::string_view one : type_alternatives(type)) {
    if (one.starts_with('[')) {
      ASSERT_TRUE(one.ends_with(']')) << type;
      check_type(one.substr(1, one.size() - 2));
    } else {
      EXPECT_TRUE(basic.contains(one) || find_object_type(one)) << type;
    }
  }
}

TEST(OpenApiTest, EveryTypeIsKnown) {
  for (const Route& route : api_routes())
    if (route.body)
      for (const auto table : route.body().tables)
        for (const Field& field : table) check_type(field.type);
  for (const ObjectType& object : object_types())
    for (const Member& member : object.members) check_type(member.type);
}

}  // namespace
}  // namespace aquilon::api
