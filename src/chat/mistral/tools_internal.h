// [AVAILABLE_TOOLS]: the functions that a model may call.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "base/result.h"

namespace aquilon::chat::mistral {

// JSON of the list, members in the order that the models know: type, function with name,
// description, parameters. Empty: no tools. Errors: kInvalidArgument with `param` "tools".
Result<std::string> tools_json(const boost::json::value& tools);

}  // namespace aquilon::chat::mistral
