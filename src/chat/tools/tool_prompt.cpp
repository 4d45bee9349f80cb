#include "chat/tools/tool_prompt.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <string>

#include "chat/mistral/python_json.h"
#include "chat/tools/call_pattern.h"

namespace aquilon::chat {
namespace {

namespace json = boost::json;
using Kind = PatternItem::Kind;

std::string_view text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

// A string, or the texts of a list of parts.
std::string content_of(const json::object& message) {
  std::string text(text_of(message, "content"));
  const json::value* content = message.if_contains("content");
  if (!content || !content->is_array()) return text;
  for (const json::value& part : content->get_array()) {
    if (!part.is_object()) continue;
    if (!text.empty()) text += '\n';
    text += text_of(part.get_object(), "text");
  }
  return text;
}

const json::array* calls_of(const json::object& message) {
  const json::value* calls = message.if_contains("tool_calls");
  return calls && calls->is_array() && !calls->get_array().empty() ? &calls->get_array() : nullptr;
}

std::string arguments_of(const json::object& function) {
  const json::value* arguments = function.if_contains("arguments");
  if (!arguments || arguments->is_null()) return "{}";
  if (!arguments->is_string()) return mistral::dump(*arguments);
  const std::string_view text(arguments->get_string());
  return mistral::normalise_json(text).value_or(mistral::dump_text(text));
}

std::string python_literal(const json::value& value) {
  if (value.is_bool()) return value.get_bool() ? "True" : "False";
  return value.is_null() ? "None" : mistral::dump(value);
}

// {"a": 1} as a=1: its members without braces, names without quotes.
std::string keywords_of(const json::object& function) {
  const json::value* arguments = function.if_contains("arguments");
  json::value parsed = arguments ? *arguments : json::value();
  json::error_code problem;
  if (parsed.is_string()) parsed = json::parse(parsed.get_string(), problem);
  const json::object* object = problem ? nullptr : parsed.if_object();
  std::string text;
  if (!object) return text;
  for (const auto& member : *object) {
    if (!text.empty()) text += ", ";
    text.append(member.key()).append("=").append(python_literal(member.value()));
  }
  return text;
}

std::string fill(std::string_view pattern, const json::object& function) {
  std::string text;
  for (const PatternItem& item : pattern_items(pattern)) {
    if (item.kind == Kind::kText) text += item.text;
    if (item.kind == Kind::kSpaces) {
      const bool behind_colon = text.ends_with(':') || text.ends_with(',');
      if (behind_colon) text += ' ';
    }
    if (item.kind == Kind::kName) text += text_of(function, "name");
    if (item.kind == Kind::kArguments) text += arguments_of(function);
    if (item.kind == Kind::kKeywords) text += keywords_of(function);
  }
  return text;
}

// A mark: blanks in it are line ends, as models have learnt them, or none.
std::string mark(std::string_view pattern, std::string_view blank) {
  std::string text;
  for (const PatternItem& item : pattern_items(pattern)) {
    if (item.kind == Kind::kText) text += item.text;
    if (item.kind == Kind::kSpaces) text += blank;
    if (item.kind == Kind::kWord) text += "json";
  }
  return text;
}

std::string between_calls(const CallForm& form, std::string_view blank) {
  if (form.between.empty()) return form.front.ends_with('~') ? "\n" : "";
  std::string text = mark(form.between, "");
  return text.empty() ? std::string(blank) : text + " ";
}

// The calls in the form that the dialect asks for.
const CallForm& own_form(const Dialect& dialect) {
  return *std::find_if(dialect.forms.begin(), dialect.forms.end(), [](const CallForm& one) {
    return one.forced && one.call.find("$I") == std::string_view::npos;
  });
}

}  // namespace

std::string written_calls(const json::array& calls, const Dialect& dialect) {
  const CallForm& form = own_form(dialect);
  const bool lines = form.front.starts_with('<') || form.front.starts_with('`');
  const std::string_view blank = lines ? "\n" : "";
  const std::string front = mark(form.front, blank);
  const std::string close = mark(form.close, blank);
  const std::string between = between_calls(form, blank);
  std::string text;
  for (const json::value& call : calls) {
    const json::object* object = call.if_object();
    const json::value* function = object ? object->if_contains("function") : nullptr;
    if (!function || !function->is_object()) continue;
    const bool first = text.empty();
    if (!first) text += between;
    if (first || form.between.empty()) text += front;
    text += fill(form.call, function->get_object());
    if (form.between.empty()) text += close;
  }
  return form.between.empty() || text.empty() ? text : text + close;
}

namespace {

std::string offer(const json::value& tools, const Dialect& dialect) {
  if (!tools.is_array() || tools.get_array().empty()) return {};
  std::string text(dialect.before_tools);
  for (const json::value& tool : tools.get_array()) {
    if (&tool != &tools.get_array().front()) text += '\n';
    text += mistral::dump(tool);
  }
  return text.append(dialect.after_tools);
}

// Adds to the last message if it is of that role.
void add(std::string_view role, const std::string& text, bool join, json::array& out) {
  if (join && !out.empty() && out.back().at("role") == json::value(role)) {
    json::string& last = out.back().at("content").as_string();
    last.append("\n").append(text);
    return;
  }
  out.push_back(json::object{{"role", role}, {"content", text}});
}

bool is_short_id(std::string_view id) {
  return id.size() == 9 && std::all_of(id.begin(), id.end(), [](char c) {
           return is_name_char(c) && c != '_' && c != '-' && c != '.';
         });
}

void shorten(json::object& object, std::string_view key) {
  constexpr std::string_view kDigits =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  json::value* value = object.if_contains(key);
  if (!value || !value->is_string()) return;
  const std::string_view id(value->get_string());
  if (id.empty() || id == "null" || is_short_id(id)) return;
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  hash ^= hash >> 29;
  std::string text;
  for (int i = 0; i < 9; ++i, hash /= kDigits.size()) text += kDigits[hash % kDigits.size()];
  *value = text;
}

}  // namespace

json::value with_no_call(const json::value& tools) {
  json::array all = tools.is_array() ? tools.get_array() : json::array();
  std::string name = "none";
  const auto is_taken = [&](const json::value& tool) {
    const json::object* object = tool.if_object();
    const json::value* function = object ? object->if_contains("function") : nullptr;
    return function && function->is_object() && text_of(function->get_object(), "name") == name;
  };
  while (std::any_of(all.begin(), all.end(), is_taken)) name += '_';
  all.push_back(json::object{
      {"type", "function"},
      {"function",
       {{"name", name},
        {"description", "Answers in plain words: for requests that no other function fits."},
        {"parameters", {{"type", "object"}, {"properties", json::object()}}}}}});
  return all;
}

std::string beginning_of_call(const Dialect& dialect) {
  const CallForm& form = own_form(dialect);
  const bool lines = form.front.starts_with('<') || form.front.starts_with('`');
  return mark(form.front, lines ? "\n" : "") + fill(form.call.substr(0, form.call.find("$N")), {});
}

bool speaks_of_tools(const json::array& messages) {
  return std::any_of(messages.begin(), messages.end(), [](const json::value& message) {
    const json::object* object = message.if_object();
    return object && (text_of(*object, "role") == "tool" || calls_of(*object));
  });
}

json::array without_tools(const json::array& messages, const json::value& tools,
                          const Dialect& dialect) {
  const std::string offered = offer(tools, dialect);
  json::array out;
  bool result_before = false;
  for (const json::value& message : messages) {
    const json::object* object = message.if_object();
    if (!object) continue;
    const std::string_view role = text_of(*object, "role");
    std::string text = content_of(*object);
    if (role == "tool") {
      add("user", "<tool_response>\n" + text + "\n</tool_response>", result_before, out);
      result_before = true;
      continue;
    }
    // What a user says right behind a result belongs to the same turn.
    const bool join = result_before && role == "user";
    result_before = false;
    if (const json::array* calls = calls_of(*object)) {
      if (!text.empty()) text += '\n';
      text += written_calls(*calls, dialect);
    }
    add(role, text, join, out);
  }
  if (offered.empty()) return out;
  if (!out.empty() && out.front().at("role") == "system") {
    out.front().at("content").as_string().append("\n\n").append(offered);
  } else {
    out.insert(out.begin(), json::object{{"role", "system"}, {"content", offered}});
  }
  return out;
}

void shorten_call_ids(json::array& messages) {
  for (json::value& message : messages) {
    json::object* object = message.if_object();
    if (!object) continue;
    shorten(*object, "tool_call_id");
    json::value* calls = object->if_contains("tool_calls");
    if (!calls || !calls->is_array()) continue;
    for (json::value& call : calls->get_array())
      if (call.is_object()) shorten(call.get_object(), "id");
  }
}

}  // namespace aquilon::chat
