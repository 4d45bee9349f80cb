#include <algorithm>
#include <optional>
#include <utility>

#include "api/content_parts_internal.h"

namespace aquilon::api {
namespace {

namespace json = boost::json;

// One part of a list content: its text, or none where the part is to be left out.
Refusal read_part(const json::value& part, const Location& where, const PartTypes& types,
                  std::optional<std::string>& text) {
  if (part.is_string()) return read_string(part, where, text.emplace());
  if (!part.is_object())
    return invalid_value(where, "dict_type", "a content part is an object with a 'type'");
  std::string type;
  const json::value* type_value = part.get_object().if_contains("type");
  if (!type_value) return invalid_value(step(where, "type"), "missing", "the field is missing");
  if (Refusal refusal = read_string(*type_value, step(where, "type"), type)) return refusal;
  const auto among = [&type](std::span<const std::string_view> names) {
    return std::find(names.begin(), names.end(), type) != names.end();
  };
  if (among(types.left_out)) return {};
  if (!among(types.text))
    return bad_request(where.front(), "unsupported_parameter",
                       "content parts of type '{}' are not supported by this server: send text",
                       type);
  const json::value* text_value = part.get_object().if_contains("text");
  if (!text_value) return invalid_value(step(where, "text"), "missing", "the field is missing");
  return read_string(*text_value, step(where, "text"), text.emplace());
}

}  // namespace

// Null and nothing are of use only beside tool_calls: who reads those does not come here.
Refusal read_content(const json::object& message, const Location& where, const PartTypes& types,
                     std::string& content) {
  const json::value* value = message.if_contains("content");
  if (!value) return invalid_value(step(where, "content"), "missing", "a text is expected");
  return read_text_or_parts(*value, step(where, "content"), types, content);
}

Refusal read_text_or_parts(const json::value& value, const Location& where, const PartTypes& types,
                           std::string& content) {
  if (value.is_string()) return read_string(value, where, content);
  if (!value.is_array())
    return invalid_value(where, "string_type", "a text or a list of text parts is expected");
  const json::array& parts = value.get_array();
  if (parts.empty()) return invalid_value(where, "too_short", "at least one part is expected");
  bool any = false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::optional<std::string> text;
    if (Refusal refusal = read_part(parts[i], step(where, i), types, text)) return refusal;
    if (!text) continue;
    if (std::exchange(any, true)) content += '\n';
    content += *text;
  }
  return {};
}

std::string thoughts_of(const json::value& content) {
  std::string thoughts;
  if (!content.is_array()) return thoughts;
  const auto add_text = [&thoughts](const json::object& part, std::string_view name) {
    const json::value* text = part.if_contains(name);
    if (text && text->is_string()) thoughts += std::string_view(text->get_string());
  };
  for (const json::value& value : content.get_array()) {
    const json::object* part = value.if_object();
    const json::value* type = part ? part->if_contains("type") : nullptr;
    if (!type || *type != "thinking") continue;
    add_text(*part, "thinking");
    const json::value* inner = part->if_contains("thinking");
    if (!inner || !inner->is_array()) continue;
    for (const json::value& one : inner->get_array())
      if (one.is_object()) add_text(one.get_object(), "text");
  }
  return thoughts;
}

ApiError message_order_error(std::string_view param, std::string message) {
  return {.status = 400,
          .type = "invalid_request_message_order",
          .message = std::move(message),
          .param = std::string(param),
          .code = "3230"};
}

}  // namespace aquilon::api
