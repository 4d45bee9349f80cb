#include <boost/json/object.hpp>

#include "chat/mistral/message_reader_internal.h"
#include "chat/mistral/python_json.h"

namespace aquilon::chat::mistral {
namespace {

namespace json = boost::json;

const json::value* member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && !value->is_null() ? value : nullptr;
}

// Empty where it is absent or no text.
std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

class MessageReader {
 public:
  MessageReader(std::size_t index, const Format& format) : index_(index), format_(format) {}

  Result<Turn> read(const json::object& message) {
    Turn turn;
    turn.role = AQ_TRY(role_of(text_of(message, "role")));
    if (const json::value* content = member(message, "content"))
      AQ_RETURN_IF_ERROR(read_content(*content, turn));
    if (turn.role == Role::kAssistant) AQ_RETURN_IF_ERROR(read_assistant(message, turn));
    if (turn.role == Role::kTool) AQ_RETURN_IF_ERROR(read_result(message, turn));
    AQ_RETURN_IF_ERROR(check_thinking(turn));
    return turn;
  }

 private:
  template <class... Args>
  Error refused(Code code, fmt::format_string<Args...> text, Args&&... args) const {
    return message_error(code, index_, fmt::format(text, std::forward<Args>(args)...));
  }

  Result<Role> role_of(std::string_view name) const {
    if (name == "system" || name == "developer") return Role::kSystem;
    if (name == "user") return Role::kUser;
    if (name == "assistant") return Role::kAssistant;
    if (name != "tool") return refused(Code::kInvalidArgument, "the role '{}' is unknown", name);
    if (format_.results != ResultForm::kNone) return Role::kTool;
    return refused(Code::kUnsupported, "this model's chat format ({}) has no tools", format_.name);
  }

  Status read_content(const json::value& content, Turn& turn) const {
    if (content.is_string()) {
      if (!content.get_string().empty()) turn.parts.push_back({std::string(content.get_string())});
      return {};
    }
    if (!content.is_array())
      return refused(Code::kInvalidArgument, "content is neither text nor a list of parts");
    for (const json::value& part : content.get_array()) AQ_RETURN_IF_ERROR(read_part(part, turn));
    return {};
  }

  Status read_part(const json::value& value, Turn& turn) const {
    if (value.is_string()) {
      turn.parts.push_back({std::string(value.get_string())});
      return {};
    }
    const json::object* part = value.if_object();
    const std::string type = part ? text_of(*part, "type") : std::string();
    if (type == "text") {
      turn.parts.push_back({text_of(*part, "text")});
      return {};
    }
    if (type == "thinking") {
      const json::value* closed = member(*part, "closed");
      const bool open = closed && closed->is_bool() && !closed->get_bool();
      turn.parts.push_back({thinking_of(*part), true, !open});
      return {};
    }
    return refused(Code::kUnsupported, "content has a part of type '{}', but this model takes text",
                   type);
  }

  // A text, or text parts.
  static std::string thinking_of(const json::object& part) {
    const json::value* thinking = member(part, "thinking");
    if (!thinking || !thinking->is_array()) return text_of(part, "thinking");
    std::string text;
    for (const json::value& inner : thinking->get_array())
      if (inner.is_object()) text += text_of(inner.get_object(), "text");
    return text;
  }

  // As other servers write it: beside the content. Formats without it leave it out, as the models'
  // own templates do.
  void read_reasoning(const json::object& message, Turn& turn) const {
    std::string reasoning = text_of(message, "reasoning_content");
    if (reasoning.empty()) reasoning = text_of(message, "reasoning");
    if (reasoning.empty() || !format_.thinks || turn.has_thinking()) return;
    turn.parts.insert(turn.parts.begin(), Part{std::move(reasoning), true});
  }

  Status read_assistant(const json::object& message, Turn& turn) const {
    read_reasoning(message, turn);
    if (const json::value* prefix = member(message, "prefix"))
      turn.open = prefix->is_bool() && prefix->get_bool();
    if (const json::value* calls = member(message, "tool_calls")) {
      if (!calls->is_array()) return refused(Code::kInvalidArgument, "tool_calls is not a list");
      for (const json::value& call : calls->get_array()) AQ_RETURN_IF_ERROR(read_call(call, turn));
    }
    if (turn.calls.empty()) return {};
    if (format_.calls == CallForm::kNone)
      return refused(Code::kUnsupported, "this model's chat format ({}) has no tools",
                     format_.name);
    bool text = false;
    for (const Part& part : turn.parts) text |= !part.text.empty();
    if (text && !format_.text_beside_calls)
      return refused(Code::kInvalidArgument,
                     "this model's chat format ({}) has no text beside tool calls", format_.name);
    return {};
  }

  Status read_call(const json::value& value, Turn& turn) const {
    const json::object* call = value.if_object();
    const json::value* function = call ? member(*call, "function") : nullptr;
    if (!function || !function->is_object())
      return refused(Code::kInvalidArgument, "a tool call has no function");
    Call read;
    read.name = text_of(function->get_object(), "name");
    read.id = text_of(*call, "id");
    if (read.id == "null") read.id.clear();
    const json::value* arguments = member(function->get_object(), "arguments");
    read.arguments = "{}";
    if (arguments && !arguments->is_string()) read.arguments = dump(*arguments);
    if (arguments && arguments->is_string() && !arguments->get_string().empty()) {
      const std::string_view text(arguments->get_string());
      read.arguments = normalise_json(text).value_or(dump_text(text));
    }
    if (format_.calls == CallForm::kNamed && read.id.empty())
      return refused(Code::kInvalidArgument, "a tool call has no id");
    turn.calls.push_back(std::move(read));
    return {};
  }

  Status read_result(const json::object& message, Turn& turn) const {
    turn.name = text_of(message, "name");
    turn.call_id = text_of(message, "tool_call_id");
    if (turn.call_id.empty() && format_.results != ResultForm::kNamedList)
      return refused(Code::kInvalidArgument, "a tool's message has no tool_call_id");
    return {};
  }

  Status check_thinking(const Turn& turn) const {
    if (!turn.has_thinking()) return {};
    const bool allowed = (turn.role == Role::kAssistant && format_.thinks) ||
                         (turn.role == Role::kSystem && format_.thinks_in_system);
    if (allowed) return {};
    return refused(Code::kUnsupported, "this model's chat format ({}) has no thinking here",
                   format_.name);
  }

  std::size_t index_;
  const Format& format_;
};

}  // namespace

Error message_error(Code code, std::size_t index, std::string_view what) {
  Error error = make_error(code, "messages[{}]: {}", index, what);
  error.param = "messages";
  return error;
}

Result<Turn> read_message(const json::value& message, std::size_t index, const Format& format) {
  if (const json::object* object = message.if_object())
    return MessageReader(index, format).read(*object);
  return message_error(Code::kInvalidArgument, index, "it is not an object");
}

}  // namespace aquilon::chat::mistral
