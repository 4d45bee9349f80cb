// Text from files and from the network on its way to a terminal.
#pragma once

#include <string>
#include <string_view>

namespace aquilon::apps {

// The text without what could steer a terminal or turn a line around: control characters become
// spaces, broken UTF-8 becomes U+FFFD. `keep_lines`: line feeds and tabs stay.
std::string printable(std::string_view text, bool keep_lines = false);

// The text with an escape for each of these, "\u001b", and for U+202E and its kin; broken UTF-8
// becomes U+FFFD. For lines of a log: a JSON text stays the same value.
std::string escaped(std::string_view text);

// The text as valid UTF-8, otherwise unchanged: for JSON.
std::string valid_utf8(std::string_view text);

}  // namespace aquilon::apps
