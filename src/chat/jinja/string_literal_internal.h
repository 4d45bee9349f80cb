// Escapes of string literals.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace aquilon::chat::jinja {

// `body`: between the quotes. As Python's "unicode-escape": unknown escapes stay as they are; half
// a surrogate pair becomes U+FFFD. Errors: kInvalidArgument without a line.
Result<std::string> unescape(std::string_view body);

}  // namespace aquilon::chat::jinja
