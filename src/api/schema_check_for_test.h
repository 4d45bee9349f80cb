// Does a value fit a JSON Schema? For answers and bodies against /openapi.json: the keywords that
// occur there, no more.
#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace aquilon::api {

// Empty when it fits, else where it does not. `root` is the document that $ref points into.
std::string schema_problem(const boost::json::value& value, const boost::json::value& schema,
                           const boost::json::value& root);

}  // namespace aquilon::api
