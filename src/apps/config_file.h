// The configuration file: TOML's everyday subset. [command] headings, then key = value lines; a
// value is a number, true or false, a bare word, "text with \" escapes", 'text as it is', or a
// [list] of these on one line. # starts a comment outside quotes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace aquilon::apps {

// What one line of the file says; `line` counts from 1.
struct ConfigEntry {
  std::vector<std::string> values;
  int line = 0;
};
using ConfigSection = std::map<std::string, ConfigEntry, std::less<>>;  // by key
using Config = std::map<std::string, ConfigSection, std::less<>>;       // by heading

// Errors: kInvalidArgument that names the line and what is wrong with it. Values are never repeated
// in messages: they may be secrets.
Result<Config> parse_config(std::string_view text);

// The file at `path`, at most 1 MiB. Errors: kNotFound, kInvalidArgument with the path in front.
Result<Config> read_config(const std::string& path);

}  // namespace aquilon::apps
