// Calls and results in conversations.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/field_values_internal.h"

namespace aquilon::api {

// The calls of an assistant's message, in OpenAI's shape, arguments as texts; none where it has
// none. Their ids are kept as they are.
Refusal read_tool_calls(const boost::json::object& message, const Location& where,
                        boost::json::array& calls);

// What a result says of its call: `tool_call_id` and `name`.
Refusal read_result_members(const boost::json::object& message, const Location& where,
                            boost::json::object& out);

// Results stand behind the calls that they are of, one for each; names that they lack are filled
// in. `param`: the field of the messages.
Refusal check_results(std::string_view param, boost::json::array& messages);

}  // namespace aquilon::api
