#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "chat/mistral/python_json.h"
#include "chat/mistral/settings_internal.h"

namespace aquilon::chat::mistral {
namespace {

namespace json = boost::json;

constexpr const char* kEffort = "reasoning_effort";

const json::value* member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && !value->is_null() ? value : nullptr;
}

Error refused(std::string message) {
  return Error{Code::kInvalidArgument, std::move(message), kEffort};
}

// The value that the model gets for what was asked; null: none.
Result<json::value> resolve(const json::object& field, const json::value* asked) {
  if (!asked) {
    const json::value* otherwise = member(field, "default");
    return otherwise ? *otherwise : json::value();
  }
  const json::value* values = member(field, "values");
  const json::array* list = values ? values->if_array() : nullptr;
  if (list && std::find(list->begin(), list->end(), *asked) != list->end()) return *asked;
  return refused(fmt::format("reasoning_effort {} is not one that this model knows: {}",
                             json::serialize(*asked), list ? json::serialize(*list) : "none"));
}

}  // namespace

Result<std::string> settings_json(std::string_view builder, const json::object& request) {
  const json::value* asked = member(request, kEffort);
  json::value effort = asked ? *asked : json::value();
  if (!builder.empty()) {
    boost::system::error_code error;
    const json::value parsed = json::parse(builder, error);
    const json::object* root = parsed.if_object();
    const json::value* field = root ? member(*root, kEffort) : nullptr;
    if (field && field->is_object()) {
      effort = AQ_TRY(resolve(field->get_object(), asked));
    } else if (asked) {
      return refused("this model has no reasoning_effort");
    }
  }
  if (effort.is_null()) return std::string();
  return dump(json::object{{kEffort, effort}});
}

}  // namespace aquilon::chat::mistral
