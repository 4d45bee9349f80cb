#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "chat/mistral/python_json.h"
#include "chat/mistral/tools_internal.h"

namespace aquilon::chat::mistral {
namespace {

namespace json = boost::json;

Error refused(std::string message) {
  return Error{Code::kInvalidArgument, std::move(message), "tools"};
}

json::value member_or(const json::object& object, std::string_view key, json::value otherwise) {
  const json::value* value = object.if_contains(key);
  return value && !value->is_null() ? *value : otherwise;
}

}  // namespace

Result<std::string> tools_json(const json::value& tools) {
  if (tools.is_null()) return std::string();
  const json::array* list = tools.if_array();
  if (!list) return refused("tools is not a list");
  json::array written;
  for (const json::value& tool : *list) {
    const json::object* object = tool.if_object();
    const json::value* function = object ? object->if_contains("function") : nullptr;
    if (!function || !function->is_object())
      return refused(fmt::format("tools[{}] has no function", written.size()));
    const json::object& given = function->get_object();
    const json::object kept{{"name", member_or(given, "name", "")},
                            {"description", member_or(given, "description", "")},
                            {"parameters", member_or(given, "parameters", json::object())}};
    written.push_back(json::object{{"type", "function"}, {"function", kept}});
  }
  return written.empty() ? std::string() : dump(json::value(std::move(written)));
}

}  // namespace aquilon::chat::mistral
