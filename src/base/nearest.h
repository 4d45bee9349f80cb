// The name that a person probably meant, for errors about names that do not exist.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace aquilon {

// The candidate with the fewest edits (insert, delete, replace, swap of neighbours) from `name`, or
// empty if none is close: at most one edit in three letters. Cost: product of the lengths, a
// candidate.
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

// "; did you mean NEAREST?" with `prefix` in front of the name, or empty if none is close.
std::string did_you_mean(std::string_view name, std::span<const std::string> candidates,
                         std::string_view prefix = {});

}  // namespace aquilon
