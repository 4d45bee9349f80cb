// Functions that a model may call, and its calls.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <vector>

namespace aquilon::chat {

struct Tool {
  std::string name;
  boost::json::value parameters = {};  // JSON Schema of an object; null: none are taken
  // True: the schema is enforced as a whole or refused; absent: as far as it can be; false: names
  // of the arguments and that the required ones are there.
  std::optional<bool> strict = {};
};

enum class ToolChoice {
  kNone,      // no calls
  kAuto,      // the model chooses
  kRequired,  // one call at least
  kDeclined,  // no calls of those that the model knows; words from the beginning
};

// What a request says of calls. Without tools: nothing.
struct ToolUse {
  std::vector<Tool> tools;  // those that may be called
  ToolChoice choice = ToolChoice::kAuto;
  bool parallel = true;  // more than one call in an answer

  bool any() const { return !tools.empty(); }
  bool may_call() const { return any() && choice != ToolChoice::kNone; }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const Tool& tool : tools) names.push_back(tool.name);
    return names;
  }
};

// A whole call, as a model wrote it.
struct ToolCall {
  std::string name;
  std::string arguments;  // JSON text of an object, spaced as Python writes it
  std::string id;         // the model's own; empty: it wrote none
};

}  // namespace aquilon::chat
