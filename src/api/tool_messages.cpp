#include <map>

#include "api/content_parts_internal.h"
#include "api/tool_fields_internal.h"
#include "api/tool_messages_internal.h"
#include "chat/mistral/python_json.h"

namespace aquilon::api {
namespace {

namespace json = boost::json;

std::string_view text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

Refusal read_call(const json::value& value, const Location& where, json::array& calls) {
  if (!value.is_object()) return invalid_value(where, "dict_type", "an object is expected");
  const json::object& call = value.get_object();
  const json::value* function = call.if_contains("function");
  const Location inner = step(where, "function");
  if (!function || !function->is_object())
    return invalid_value(inner, "missing", "an object with name and arguments is expected");
  std::string name, arguments = "{}", id;
  if (Refusal refusal = read_member(function->get_object(), "name", inner, name)) return refusal;
  if (const json::value* given = function->get_object().if_contains("arguments")) {
    if (given->is_object()) {
      arguments = chat::mistral::dump(*given);
    } else if (!given->is_null()) {
      if (Refusal refusal = read_string(*given, step(inner, "arguments"), arguments))
        return refusal;
    }
  }
  if (const json::value* given = call.if_contains("id"); given && !given->is_null())
    if (Refusal refusal = read_string(*given, step(where, "id"), id)) return refusal;
  if (id == "null") id.clear();  // Mistral's clients say so of one that they do not know
  json::object read{{"type", "function"},
                    {"function", json::object{{"name", name}, {"arguments", arguments}}}};
  if (!id.empty()) read["id"] = id;
  calls.push_back(std::move(read));
  return {};
}

// The calls that wait for their results, by id; those without one in order.
class OpenCalls {
 public:
  void take(const json::array& calls) {
    by_id_.clear();
    unnamed_.clear();
    count_ = calls.size();
    for (const json::value& call : calls) {
      const std::string_view id = text_of(call.get_object(), "id");
      const std::string_view name = text_of(call.at("function").get_object(), "name");
      if (id.empty())
        unnamed_.emplace_back(name);
      else
        by_id_.emplace(id, name);
    }
  }
  std::size_t count() const { return count_; }

  // False: there is no such call.
  bool answer(json::object& result) {
    std::string name;
    const std::string id(text_of(result, "tool_call_id"));
    const auto found = by_id_.find(id);
    if (found != by_id_.end()) {
      name = found->second;
      by_id_.erase(found);
    } else if (!id.empty() && unnamed_.empty()) {
      return false;
    } else if (!unnamed_.empty()) {
      name = unnamed_.front();
      unnamed_.erase(unnamed_.begin());
    } else if (!by_id_.empty()) {  // launch-day clients name no call
      result["tool_call_id"] = by_id_.begin()->first;
      name = by_id_.begin()->second;
      by_id_.erase(by_id_.begin());
    } else {
      return false;
    }
    --count_;
    if (!result.contains("name")) result["name"] = name;
    return true;
  }

 private:
  std::map<std::string, std::string, std::less<>> by_id_;
  std::vector<std::string> unnamed_;
  std::size_t count_ = 0;
};

}  // namespace

Refusal read_tool_calls(const json::object& message, const Location& where, json::array& calls) {
  const json::value* value = message.if_contains("tool_calls");
  if (!value || value->is_null()) return {};
  const Location here = step(where, "tool_calls");
  if (!value->is_array()) return invalid_value(here, "list_type", "a list of calls is expected");
  for (std::size_t i = 0; i < value->get_array().size(); ++i)
    if (Refusal refusal = read_call(value->get_array()[i], step(here, i), calls)) return refusal;
  return {};
}

Refusal read_result_members(const json::object& message, const Location& where, json::object& out) {
  for (const char* key : {"tool_call_id", "name"}) {
    const json::value* value = message.if_contains(key);
    if (!value || value->is_null()) continue;
    std::string text;
    if (Refusal refusal = read_string(*value, step(where, key), text)) return refusal;
    if (!text.empty()) out[key] = text;
  }
  return {};
}

Refusal check_results(std::string_view param, json::array& messages) {
  OpenCalls open;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    json::object& message = messages[i].get_object();
    const std::string_view role = text_of(message, "role");
    if (role == "tool") {
      if (open.answer(message)) continue;
      return message_order_error(
          param, fmt::format("{}.{}: a result has to follow the assistant's message with the "
                             "call that it is of, and there is no call '{}' without one",
                             param, i, text_of(message, "tool_call_id")));
    }
    if (open.count() > 0)
      return message_order_error(
          param, fmt::format("{}.{}: {} of the calls before it have no result: one of role 'tool' "
                             "is expected for each",
                             param, i, open.count()));
    const json::value* calls = message.if_contains("tool_calls");
    open.take(calls && calls->is_array() ? calls->get_array() : json::array());
  }
  if (open.count() == 0) return {};
  return message_order_error(param,
                             fmt::format("{} of the last calls have no result", open.count()));
}

}  // namespace aquilon::api
