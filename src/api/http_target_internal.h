// The target of a request: authority, path and query.
#pragma once

#include <string>
#include <string_view>

namespace aquilon::api {

// Splits "/path?query" and decodes the path once. The answer is what is wrong with it, empty when
// nothing is: bytes outside printable ASCII, a fragment, broken percent signs, decoded control
// characters or backslashes, invalid UTF-8, "." and ".." as segments.
std::string_view split_target(std::string_view target, std::string& path, std::string& query);

}  // namespace aquilon::api
