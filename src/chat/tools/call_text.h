// Pieces of calls in a text that is still being written: where one ends, and what it says.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "chat/tools/call_pattern.h"  // Match
#include "chat/tools/tool.h"

namespace aquilon::chat {

// Finds the bracket that closes the first one, over strings. Resumable: each byte is looked at once
// however often the text has grown.
class Extent {
 public:
  // `quotes`: characters that begin and end strings.
  explicit Extent(std::string_view quotes = "\"") : quotes_(quotes) {}

  // `text` begins with the first bracket and with what was given before. kWhole: end() is behind
  // the closing one; kNo: it begins with none.
  Match scan(std::string_view text);
  std::size_t end() const { return at_; }

 private:
  std::string_view quotes_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  char quote_ = 0;  // of the string that is open; 0: none
};

// What {"name": ..., "arguments" or "parameters": {...}, "id": ...} says. Nothing where it is no
// such object. Arguments may be absent, null, or a text that holds an object.
std::optional<ToolCall> read_call_object(std::string_view text);

// JSON text of an object, as Python spaces it; nothing where `text` is none.
std::optional<std::string> read_arguments(std::string_view text);

// a=1, b="x" as a JSON object: literals of Python and JSON. Nothing where it is not of that form.
std::optional<std::string> read_keywords(std::string_view text);

}  // namespace aquilon::chat
