// Tools, and what a request says of calling them: what the dialects have in common.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "api/completion_request.h"
#include "api/field_values_internal.h"

namespace aquilon::api {

inline constexpr std::size_t kMaxTools = 512;
inline constexpr std::size_t kMaxToolName = 64;

// A list of at most kMaxTools, of whatever form.
Refusal check_tool_list(const boost::json::value& value, const Location& where);

// Adds a tool to those of the request. `function` has `name`, perhaps `description`, `strict` and,
// under the name `schema`, parameters.
Refusal add_tool(const boost::json::object& function, std::string_view schema,
                 const Location& where, CompletionRequest& out);

// The member `name`, which must be there and a text that is not empty.
Refusal read_member(const boost::json::object& object, std::string_view name, const Location& where,
                    std::string& out);

// What depends on tools, choice and format of the answer together. `field`: of the choice.
Refusal finish_tools(CompletionRequest& out, std::string_view field = "tool_choice");

}  // namespace aquilon::api
