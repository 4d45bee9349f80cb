// Values of JSON Schema's `format` that are enforced, as languages of string contents.
#pragma once

#include <optional>
#include <string_view>

#include "constraint/code_points_internal.h"

namespace aquilon::constraint {

// The contents (without quotes) that have the format; nothing for a name that is an annotation
// only.
std::optional<RegexId> format_language(RegexStore& store, const JsonStrings& strings,
                                       std::string_view name);

}  // namespace aquilon::constraint
