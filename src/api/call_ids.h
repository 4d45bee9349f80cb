// Ids of calls, as answers tell them.
#pragma once

#include <string>
#include <string_view>

namespace aquilon::api {

// The id of a request's call: another one for each choice and call. `short_form`: 9 letters and
// digits, as Mistral's models know them; else "call_" and 24 of them.
std::string call_id(std::string_view request_id, int choice, std::size_t call, bool short_form);

// Whether an id has the short form.
bool is_short_call_id(std::string_view id);

}  // namespace aquilon::api
