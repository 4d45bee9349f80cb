#include "chat/tools/call_text.h"

#include <boost/json/parse.hpp>

#include "chat/mistral/python_json.h"

namespace aquilon::chat {
namespace {

namespace json = boost::json;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// The end of the JSON value that `text` begins with.
std::size_t value_end(std::string_view text) {
  if (text.starts_with('{') || text.starts_with('[')) {
    Extent extent;
    return extent.scan(text) == Match::kWhole ? extent.end() : text.size();
  }
  std::size_t at = 0;
  if (text.starts_with('"')) {
    for (at = 1; at < text.size() && text[at] != '"'; ++at)
      if (text[at] == '\\') ++at;
    return std::min(at + 1, text.size());
  }
  return std::min(text.find_first_of(",}] \n\r\t"), text.size());
}

// The text of a member of a valid JSON object, byte for byte; empty: it has none.
std::string_view member_text(std::string_view object, std::string_view key) {
  std::string_view found;
  object.remove_prefix(1);
  while (true) {
    object = object.substr(std::min(object.find_first_not_of(" \n\r\t,"), object.size()));
    if (!object.starts_with('"')) return found;
    const std::size_t key_end = value_end(object);
    const std::string_view name = object.substr(1, key_end - 2);
    object.remove_prefix(key_end);
    object = object.substr(std::min(object.find_first_not_of(" \n\r\t:"), object.size()));
    const std::size_t end = value_end(object);
    if (name == key) found = object.substr(0, end);
    object.remove_prefix(end);
  }
}

std::string text_member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

Match Extent::scan(std::string_view text) {
  if (at_ == 0 && !text.empty() && text[0] != '{' && text[0] != '[' && text[0] != '(')
    return Match::kNo;
  for (; at_ < text.size(); ++at_) {
    const char c = text[at_];
    if (quote_ != 0) {
      if (c == '\\') {
        if (at_ + 1 == text.size()) return Match::kBegun;
        ++at_;
      } else if (c == quote_) {
        quote_ = 0;
      }
    } else if (quotes_.find(c) != quotes_.npos) {
      quote_ = c;
    } else if (c == '{' || c == '[' || c == '(') {
      ++depth_;
    } else if ((c == '}' || c == ']' || c == ')') && --depth_ == 0) {
      ++at_;
      return Match::kWhole;
    }
  }
  return Match::kBegun;
}

std::optional<std::string> read_arguments(std::string_view text) {
  text = trimmed(text);
  if (!text.starts_with('{')) return std::nullopt;
  return mistral::normalise_json(text);
}

std::optional<ToolCall> read_call_object(std::string_view text) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = 512;
  const json::value parsed = json::parse(text, error, {}, options);
  if (error || !parsed.is_object()) return std::nullopt;
  const json::object& object = parsed.get_object();
  ToolCall call;
  call.name = text_member(object, "name");
  call.id = text_member(object, "id");
  if (call.name.empty()) return std::nullopt;
  const json::value* arguments = object.if_contains("arguments");
  std::string_view key = "arguments";
  if (!arguments) {
    arguments = object.if_contains("parameters");
    key = "parameters";
  }
  std::optional<std::string> read = "{}";
  if (arguments && arguments->is_object()) read = read_arguments(member_text(text, key));
  if (arguments && arguments->is_string())
    read = read_arguments(std::string_view(arguments->get_string()));
  const bool other = arguments && !arguments->is_object() && !arguments->is_string();
  if (!read || (other && !arguments->is_null())) return std::nullopt;
  call.arguments = std::move(*read);
  return call;
}

}  // namespace aquilon::chat
