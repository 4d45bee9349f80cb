// The texts of --help and docs/FLAGS.md, from the options' descriptions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/option_binding.h"  // OptionDoc

namespace aquilon::apps {

// A command as help shows it.
struct CommandDoc {
  std::string name;
  std::string summary;
  std::vector<OptionDoc> options;
};

// `aquilon --help`: the commands, one line each.
std::string program_help(std::span<const CommandDoc> commands);

// `aquilon NAME --help`: usage line, then the options under their headings, 100 columns wide.
std::string command_help(const CommandDoc& command);

// docs/FLAGS.md: one table a command.
std::string flags_markdown(std::span<const CommandDoc> commands);

}  // namespace aquilon::apps
