// Tools in OpenAI's responses.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "api/field_values_internal.h"
#include "api/request_fields.h"

namespace aquilon::api {

// An item of type reasoning, function_call or function_call_output, added to the conversation.
Refusal read_reasoning_item(const boost::json::object& item, CompletionRequest& out);
Refusal read_call_item(const boost::json::object& item, const Location& where,
                       CompletionRequest& out);
Refusal read_output_item(const boost::json::object& item, const Location& where,
                         CompletionRequest& out);

Refusal read_responses_tools(const Field&, const boost::json::value&, CompletionRequest&);
Refusal read_responses_choice(const Field&, const boost::json::value&, CompletionRequest&);

}  // namespace aquilon::api
