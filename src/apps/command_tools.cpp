#include "apps/command_tools.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "apps/printable.h"
#include "base/file.h"

namespace aquilon::apps {
namespace {

namespace json = boost::json;

Error wrong(const std::string& path, std::size_t index, std::string_view what) {
  return make_error(Code::kInvalidArgument, "'{}', tools[{}]: {}", path, index, what);
}

Status add_tool(const json::value& value, const std::string& path, std::size_t index,
                CommandTools& out) {
  const json::object* tool = value.if_object();
  if (!tool) return wrong(path, index, "an object is expected");
  const json::value* name = tool->if_contains("name");
  if (!name || !name->is_string() || name->get_string().empty())
    return wrong(path, index, "\"name\" is missing");
  const json::value* command = tool->if_contains("command");
  if (!command || !command->is_array() || command->get_array().empty())
    return wrong(path, index, "\"command\" is missing: a list of a program and its arguments");
  std::vector<std::string> words;
  for (const json::value& word : command->get_array()) {
    if (!word.is_string()) return wrong(path, index, "\"command\" is a list of texts");
    words.emplace_back(word.get_string());
  }
  chat::Tool read{.name = std::string(name->get_string())};
  if (out.commands.contains(read.name)) return wrong(path, index, "its name is another tool's");
  json::object function{{"name", *name}};
  if (const json::value* text = tool->if_contains("description")) function["description"] = *text;
  if (const json::value* schema = tool->if_contains("parameters")) {
    read.parameters = *schema;
    function["parameters"] = *schema;
  }
  out.commands.emplace(read.name, std::move(words));
  out.use.tools.push_back(std::move(read));
  out.shown.get_array().push_back(json::object{{"type", "function"}, {"function", function}});
  return {};
}

// The texts of an object's members, by "{name}".
std::string filled(const std::string& word, const json::object& arguments) {
  std::string out;
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t end = word[at] == '{' ? word.find('}', at) : std::string::npos;
    if (end == std::string::npos) {
      out += word[at++];
      continue;
    }
    const json::value* value = arguments.if_contains(word.substr(at + 1, end - at - 1));
    if (value && value->is_string())
      out.append(value->get_string());
    else if (value && !value->is_null())
      out += json::serialize(*value);
    at = end + 1;
  }
  return out;
}

}  // namespace

Result<CommandTools> load_command_tools(const std::string& path) {
  const std::string text = AQ_TRY(read_file(path));
  json::error_code problem;
  const json::value parsed = json::parse(text, problem);
  if (problem)
    return make_error(Code::kInvalidArgument, "'{}' is no JSON: {}", path, problem.message());
  const json::object* object = parsed.if_object();
  const json::value* list = object ? object->if_contains("tools") : nullptr;
  if (!list || !list->is_array() || list->get_array().empty())
    return make_error(Code::kInvalidArgument, "'{}' has no list \"tools\"", path);
  CommandTools tools;
  tools.shown = json::array();
  for (std::size_t i = 0; i < list->get_array().size(); ++i)
    AQ_RETURN_IF_ERROR(add_tool(list->get_array()[i], path, i, tools));
  return tools;
}

Result<std::vector<std::string>> CommandTools::words_of(const chat::ToolCall& call) const {
  const auto found = commands.find(call.name);
  if (found == commands.end())
    return make_error(Code::kNotFound, "there is no tool '{}'", call.name);
  json::error_code problem;
  const json::value arguments = json::parse(call.arguments, problem);
  std::vector<std::string> words;
  for (const std::string& word : found->second)
    words.push_back(problem || !arguments.is_object() ? word
                                                      : filled(word, arguments.get_object()));
  return words;
}

std::string shown_words(const std::vector<std::string>& words) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=./:,@%";
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    const bool plain = !word.empty() && word.find_first_not_of(kPlain) == word.npos;
    text += plain ? word : "'" + word + "'";
  }
  return printable(text);
}

}  // namespace aquilon::apps
