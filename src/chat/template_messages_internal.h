// OpenAI's messages in the shape that a given template can read.
#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace aquilon::chat {

// What a template does with messages; the defaults are what transformers hands to templates.
struct MessageShape {
  bool text_content = true;      // content may be a string
  bool part_content = false;     // content may be a list of parts
  bool object_arguments = true;  // arguments of tool calls as objects, not as JSON text
  bool shows_tools = false;      // tools reach the prompt, and so do calls of them
  bool null_content = true;      // an assistant that only calls tools may have null content
};

// Renders messages and tools with the template; nothing when it fails.
using TryTemplate = std::function<std::optional<std::string>(const boost::json::value& messages,
                                                             const boost::json::value& tools)>;

MessageShape find_message_shape(const TryTemplate& render);

// Errors: kInvalidArgument: not an array of objects; kUnsupported: a part that is not text where
// the template takes strings only.
Result<boost::json::value> shape_messages(const boost::json::value& messages,
                                          const MessageShape& shape);

// Puts a mark at the end of the last message's text. Errors: kInvalidArgument: it has no text.
Status mark_end_of_last(boost::json::value& messages);
// Bytes of `prompt` before the mark; nothing when the template lost it.
std::optional<std::size_t> find_mark(std::string_view prompt);

}  // namespace aquilon::chat
