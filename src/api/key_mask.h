// Keys where none should be: a client put one into a path or a name.
#pragma once

#include <string>
#include <string_view>

namespace aquilon::api {

// What has the shape of a key of a data folder, upper case or lower and cut short or not, keeps its
// first letters alone, those of `aquilon keys list`: "aq-3f7k2m***".
std::string without_keys(std::string_view text);

}  // namespace aquilon::api
