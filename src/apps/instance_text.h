// JSON values as others write them, with their numbers digit by digit as they were given.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aquilon::apps {

// A piece of a JSON text: the member of an object or the items of an array, as written. Nothing
// where there is none. `text` is valid JSON.
std::optional<std::string_view> json_member(std::string_view text, std::string_view key);
std::vector<std::string_view> json_items(std::string_view text);

// The value as Python's json.dumps(value, ensure_ascii=False) writes it: ", " and ": " between, no
// other blanks; `compact`: none at all. Numbers stay as they are.
std::string relaid_json(std::string_view text, bool compact);

}  // namespace aquilon::apps
