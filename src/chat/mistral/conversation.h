// A conversation in the shape that Mistral's formats write: neighbouring messages of one role
// joined, texts gathered, arguments in normal form.
#pragma once

#include <boost/json/array.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "chat/mistral/format.h"

namespace aquilon::chat::mistral {

enum class Role : std::uint8_t { kSystem, kUser, kAssistant, kTool };

struct Part {
  std::string text;
  bool thinking = false;
  bool closed = true;  // of thinking: it has ended
};

struct Call {
  std::string name;
  std::string arguments;  // JSON in normal form; a text that is not JSON is a string of it
  std::string id;         // empty: none
};

struct Turn {
  Role role = Role::kUser;
  std::vector<Part> parts;  // text beside text is one part; without thinking at most one
  std::vector<Call> calls;  // of an assistant
  bool open = false;        // of an assistant: the answer goes on behind it
  std::string name;         // of a tool's result
  std::string call_id;      // of a tool's result; empty: none

  bool has_thinking() const;
  std::string text() const;  // without thinking: all of it
};

struct Conversation {
  std::vector<Turn> turns;
  std::optional<std::string> system;  // where the format has no turn for it
};

// `messages` in OpenAI's or Mistral's shape; `open_end`: the last one begins the answer, as if it
// had "prefix". Errors: kInvalidArgument and kUnsupported, with `param` "messages" and the place.
Result<Conversation> read_conversation(const boost::json::array& messages, bool open_end,
                                       const Format& format);

}  // namespace aquilon::chat::mistral
