#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "chat/template_messages_internal.h"

namespace aquilon::chat {
namespace {

namespace json = boost::json;

constexpr const char* kMark = "aqmark";

bool shows(const std::optional<std::string>& text, std::string_view what) {
  return text && text->find(what) != std::string::npos;
}

json::array user_message(json::value content) {
  return {json::object{{"role", "user"}, {"content", std::move(content)}}};
}

// A user, an assistant that calls a tool, and the result.
json::array tool_conversation(json::value content, json::value arguments) {
  const json::object function{{"name", "aqtool"}, {"arguments", std::move(arguments)}};
  const json::object call{{"id", "aqcall001"}, {"type", "function"}, {"function", function}};
  json::array messages = user_message("question");
  messages.push_back(json::object{
      {"role", "assistant"}, {"content", std::move(content)}, {"tool_calls", json::array{call}}});
  messages.push_back(json::object{
      {"role", "tool"}, {"tool_call_id", "aqcall001"}, {"name", "aqtool"}, {"content", "result"}});
  return messages;
}

json::array probe_tools() {
  const json::object argument{{"type", "string"}, {"description", "text"}};
  const json::object parameters{{"type", "object"},
                                {"properties", json::object{{"aqmark", argument}}},
                                {"required", json::array{}}};
  const json::object function{
      {"name", "aqtool"}, {"description", "tool"}, {"parameters", parameters}};
  return {json::object{{"type", "function"}, {"function", function}}};
}

void find_content_shape(const TryTemplate& render, MessageShape& shape) {
  const auto text = render(user_message(kMark), nullptr);
  const json::object part{{"type", "text"}, {"text", kMark}};
  const auto parts = render(user_message(json::array{part}), nullptr);
  // A list that is merely printed shows its quotes.
  shape.part_content =
      shows(parts, kMark) && !shows(parts, "'aqmark'") && !shows(parts, "\"aqmark\"");
  shape.text_content = shows(text, kMark) || !shape.part_content;
}

void find_call_shape(const TryTemplate& render, MessageShape& shape) {
  const json::array tools = probe_tools();
  const json::object object{{"argument", kMark}};
  const auto with_object = render(tool_conversation("", object), tools);
  const auto with_text = render(tool_conversation("", R"({"argument": "aqmark"})"), tools);
  const bool object_works = with_object && !shows(with_object, "'aqmark'");
  const bool text_works = shows(with_text, R"("argument": "aqmark")");
  shape.object_arguments = object_works || !text_works;
  shape.shows_tools = (object_works ? shows(with_object, kMark) : text_works) &&
                      shows(render(user_message("question"), tools), "aqtool");

  const json::value arguments =
      shape.object_arguments ? json::value(object) : json::value(R"({"argument": "aqmark"})");
  const auto with_null = render(tool_conversation(nullptr, arguments), tools);
  const auto with_empty = render(tool_conversation("", arguments), tools);
  shape.null_content = with_null && (!shows(with_null, "None") || shows(with_empty, "None"));
}

}  // namespace

MessageShape find_message_shape(const TryTemplate& render) {
  MessageShape shape;
  find_content_shape(render, shape);
  find_call_shape(render, shape);
  return shape;
}

namespace {

// The texts of the parts, one a line.
Result<json::string> joined_parts(const json::array& parts, std::size_t index) {
  json::string text;
  for (const json::value& part : parts) {
    const json::object* object = part.if_object();
    const json::value* value = object ? object->if_contains("text") : nullptr;
    if (!value || !value->is_string()) {
      const json::value* type = object ? object->if_contains("type") : nullptr;
      const std::string_view name =
          type && type->is_string() ? std::string_view(type->get_string()) : "unknown";
      return make_error(Code::kUnsupported,
                        "messages[{}].content has a part of type '{}', but this model's chat "
                        "template takes text only",
                        index, name);
    }
    if (&part != &parts.front()) text += '\n';
    text += value->get_string();
  }
  return text;
}

Status shape_content(json::object& message, const MessageShape& shape, std::size_t index) {
  json::value& content = message["content"];
  if (const json::array* parts = content.if_array(); parts && !shape.part_content) {
    json::string text = AQ_TRY(joined_parts(*parts, index));
    content = std::move(text);
  } else if (content.is_null() && !shape.null_content) {
    content = "";
  }
  if (content.is_string() && !shape.text_content) {
    content =
        json::array{json::object{{"type", "text"}, {"text", std::move(content.get_string())}}};
  }
  return {};
}

// A text that holds a JSON object becomes that object; any other text stays.
void parse_arguments(json::value& call) {
  json::object* object = call.if_object();
  json::value* function = object ? object->if_contains("function") : nullptr;
  json::object* inner = function ? function->if_object() : nullptr;
  json::value* arguments = inner ? inner->if_contains("arguments") : nullptr;
  if (!arguments || !arguments->is_string()) return;
  boost::system::error_code error;
  json::value parsed = json::parse(arguments->get_string(), error);
  if (!error && parsed.is_object()) *arguments = std::move(parsed);
}

}  // namespace

Result<json::value> shape_messages(const json::value& messages, const MessageShape& shape) {
  const json::array* list = messages.if_array();
  if (!list) return make_error(Code::kInvalidArgument, "messages must be an array");
  json::array result = *list;
  for (std::size_t i = 0; i < result.size(); ++i) {
    json::object* message = result[i].if_object();
    if (!message) return make_error(Code::kInvalidArgument, "messages[{}] must be an object", i);
    if (json::value* calls = message->if_contains("tool_calls")) {
      if (calls->is_array() && shape.object_arguments) {
        for (json::value& call : calls->get_array()) parse_arguments(call);
      } else if (calls->is_null()) {
        message->stable_erase("tool_calls");
      }
    }
    AQ_RETURN_IF_ERROR(shape_content(*message, shape, i));
  }
  return json::value(std::move(result));
}

namespace {

// The blank shows whether the template trims the text.
constexpr std::string_view kEndMark = "AQUILON-CONTINUES-HERE ";
constexpr std::string_view kTrimmedEndMark = kEndMark.substr(0, kEndMark.size() - 1);

// The string that ends a message: its content, or the text of its last part that has one.
json::value* last_text(json::value& content) {
  if (content.is_string()) return &content;
  json::array* parts = content.if_array();
  if (!parts) return nullptr;
  for (std::size_t i = parts->size(); i-- > 0;) {
    json::object* part = (*parts)[i].if_object();
    json::value* text = part ? part->if_contains("text") : nullptr;
    if (text && text->is_string()) return text;
  }
  return nullptr;
}

}  // namespace

Status mark_end_of_last(json::value& messages) {
  json::array* list = messages.if_array();
  json::object* last = list && !list->empty() ? list->back().if_object() : nullptr;
  json::value* content = last ? last->if_contains("content") : nullptr;
  json::value* text = content ? last_text(*content) : nullptr;
  if (!text) {
    return make_error(Code::kInvalidArgument, "the last message has no text to be continued");
  }
  text->get_string().append(kEndMark.begin(), kEndMark.end());
  return {};
}

std::optional<std::size_t> find_mark(std::string_view prompt) {
  const std::size_t at = prompt.rfind(kTrimmedEndMark);
  if (at == std::string_view::npos) return std::nullopt;
  if (prompt.substr(at).starts_with(kEndMark)) return at;
  const std::size_t end = prompt.find_last_not_of(" \t\n\r", at == 0 ? 0 : at - 1);
  return at == 0 || end == std::string_view::npos ? 0 : end + 1;
}

}  // namespace aquilon::chat
