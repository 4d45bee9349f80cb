// Tools that are programs on this machine, for conversations in the terminal.
#pragma once

#include <boost/json/value.hpp>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "chat/tools/tool.h"

namespace aquilon::apps {

struct CommandTools {
  boost::json::value shown;  // as prompts list them; null: none
  chat::ToolUse use;
  std::map<std::string, std::vector<std::string>> commands;  // by name: program and arguments

  // The words to run for a call: "{name}" in them is the argument of that name, strings as they
  // are, all else as JSON; one that was not given is empty. Errors: kNotFound for a tool that is
  // not there.
  Result<std::vector<std::string>> words_of(const chat::ToolCall& call) const;
};

// Reads a file {"tools": [{"name", "description", "parameters", "command": [...]}]}.
// Errors: those of read_file; kInvalidArgument names what is missing.
Result<CommandTools> load_command_tools(const std::string& path);

// Runs a program without a shell, `input` on its stdin. What it prints, to stdout and stderr, is
// the answer, at most 32 KiB; it is ended after a minute. A status other than 0 is told in the
// answer. Errors: kNotFound where there is no such program; kInternal without descriptors.
Result<std::string> run_tool(const std::vector<std::string>& words, const std::string& input);

// Words as a shell would need them, for people to read.
std::string shown_words(const std::vector<std::string>& words);

}  // namespace aquilon::apps
