// Conversations with tools for models whose prompts have no place for them: the tools in the system
// message, calls and results as texts.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "chat/tools/dialect.h"

namespace aquilon::chat {

// Whether a message is a tool's, or has calls.
bool speaks_of_tools(const boost::json::array& messages);

// `messages` in OpenAI's shape, `tools` a list of theirs or null; what comes out has only system,
// user and assistant in it. Results stand in a user's message, neighbouring ones in the same.
boost::json::array without_tools(const boost::json::array& messages,
                                 const boost::json::value& tools, const Dialect& dialect);

// `tools` and a function more, in place of which the model is to answer in words: beside it, a name
// of the others has the model's probability only where it means to call.
boost::json::value with_no_call(const boost::json::value& tools);
// An answer that begins with a call, as the dialect asks for, up to the tool's name.
std::string beginning_of_call(const Dialect& dialect);

// `tool_calls` as the dialect writes them, without ids.
std::string written_calls(const boost::json::array& calls, const Dialect& dialect);

// Ids of calls that are not 9 letters and digits become such, the same id always the same.
void shorten_call_ids(boost::json::array& messages);

}  // namespace aquilon::chat
