// Request bodies: strict JSON, bounded.
#pragma once

#include <boost/json/value.hpp>
#include <string_view>

#include "api/api_error.h"

namespace aquilon::api {

inline constexpr int kMaxJsonDepth = 64;

// Parses one JSON object. 400 for: not JSON, trailing bytes, invalid UTF-8 or lone surrogates,
// depth above kMaxJsonDepth, a key twice in one object (programs disagree on which one counts), a
// number that does not fit a double, a top level that is not an object. Cost: linear.
Refusal read_json_object(std::string_view text, boost::json::object& out);

}  // namespace aquilon::api
