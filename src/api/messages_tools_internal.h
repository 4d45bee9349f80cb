// Tools in Anthropic's messages.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "api/field_values_internal.h"
#include "api/request_fields.h"

namespace aquilon::api {

// A turn's blocks, taken apart.
struct ToolBlocks {
  boost::json::array calls;    // as `tool_calls`
  boost::json::array results;  // messages of role tool
  boost::json::array others;
};
Refusal take_tool_blocks(const boost::json::array& blocks, const Location& where,
                         std::string_view role, ToolBlocks& out);

Refusal read_messages_tools(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_messages_choice(const Field&, const boost::json::value&, CompletionRequest&);

}  // namespace aquilon::api
