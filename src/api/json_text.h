// Writing JSON straight into a string: answers and events are small and many, and their shape is
// known.
#pragma once

#include <string>
#include <string_view>

namespace aquilon::api {

// `text` quoted and escaped. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);
// The same; null when empty.
void append_json_string_or_null(std::string& out, std::string_view text);
// The shortest decimal that reads back the same; values without a JSON form (NaN, infinities) are
// written as -9999.0, the API's sign for "no probability".
void append_json_number(std::string& out, float value);

}  // namespace aquilon::api
