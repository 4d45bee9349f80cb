#include "apps/command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <optional>
#include <span>
#include <utility>

#include "api/openapi.h"
#include "apps/config_file.h"
#include "apps/help_text.h"
#include "base/check.h"
#include "base/error_codes.h"
#include "base/nearest.h"

namespace aquilon::apps {
namespace {

struct Command {
  CommandDoc doc;
  CLI::App app;
  std::string config_path;
  std::vector<BoundOption> options;
  std::function<Status()> run;
  std::shared_ptr<std::function<Status()>> resolve_again;  // may be null
};

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

// One line on stderr, whatever the message holds; the exit status of its code.
int report(const Error& error) {
  std::string line = "aquilon: " + error.message;
  for (char& c : line)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  std::fprintf(stderr, "%s\n", line.c_str());
  return code_info(error.code).exit_status;
}

// What no Result could carry: a library's exception that its caller missed, and memory that ran
// out.
Status run_guarded(const std::function<Status()>& run) {
  try {
    return run();
  } catch (const std::bad_alloc&) {
    return make_error(Code::kOutOfMemory, "out of memory");
  } catch (const std::exception& error) {
    return make_error(Code::kInternal, "unexpected failure: {}", error.what());
  }
}

std::string flag_of(std::string_view argument) {
  return std::string(argument.substr(0, argument.find('=')));
}

Error unknown_flag(std::string_view argument, std::span<const std::string> known,
                   std::string_view help) {
  const std::string flag = flag_of(argument);
  const std::string name = flag.substr(std::min(flag.find_first_not_of('-'), flag.size()));
  const std::string hint = did_you_mean(name, known, "--");
  return make_error(Code::kInvalidArgument, "unknown flag {}{}", flag,
                    hint.empty() ? fmt::format("; {} lists them", help) : hint);
}

// The first thing on the command line that nothing of the command takes.
Status check_leftovers(Command& command) {
  std::vector<std::string> leftovers = command.app.remaining();
  std::erase(leftovers, "--");  // CLI11 counts the end of flags among them
  if (leftovers.empty()) return {};
  const auto flag = std::find_if(leftovers.begin(), leftovers.end(), [](const std::string& text) {
    return text.size() > 1 && text[0] == '-';
  });
  const std::string help = fmt::format("aquilon {} --help", command.doc.name);
  if (flag != leftovers.end()) return unknown_flag(*flag, flag_names(command.options), help);
  return make_error(Code::kInvalidArgument, "unexpected argument '{}'; {} says what it takes",
                    leftovers.front(), help);
}

// CLI11 would give `--stop= --port 1` the value "--port": `--stop=` becomes `--stop ""`.
std::vector<std::string> spell_out_empty_values(const std::vector<std::string>& arguments) {
  std::vector<std::string> out;
  for (const std::string& argument : arguments) {
    const bool empty = argument.starts_with("--") && argument.find('=') == argument.size() - 1;
    out.push_back(empty ? flag_of(argument) : argument);
    if (empty) out.emplace_back();
  }
  return out;
}

// Splits the arguments into flags and values. True: help was asked for.
Result<bool> parse_arguments(Command& command, std::vector<std::string> arguments) {
  const std::string last = arguments.empty() ? "" : arguments.back();
  arguments = spell_out_empty_values(arguments);
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    command.app.parse(std::move(arguments));
    return false;
  } catch (const CLI::CallForHelp&) {
    return true;
  } catch (const CLI::ArgumentMismatch&) {
    return make_error(Code::kInvalidArgument, "{} needs a value", last);
  } catch (const CLI::Error& error) {
    return make_error(Code::kInvalidArgument, "{}", error.what());
  }
}

// What stands before the command's name.
struct ProgramFlags {
  bool help = false, version = false, markdown = false, openapi = false;
  std::string config;
  int used = 0;  // arguments
};

Result<ProgramFlags> parse_program_flags(const std::vector<std::string>& arguments) {
  ProgramFlags flags;
  std::size_t i = 0;
  for (; i < arguments.size() && arguments[i].starts_with('-'); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--help" || argument == "-h") {
      flags.help = true;
    } else if (argument == "--version") {
      flags.version = true;
    } else if (argument == "--print-flags-markdown") {
      flags.markdown = true;
    } else if (argument == "--print-openapi") {
      flags.openapi = true;
    } else if (argument.starts_with("--config=")) {
      flags.config = argument.substr(std::string_view("--config=").size());
    } else if (argument == "--config" && i + 1 < arguments.size()) {
      flags.config = arguments[++i];
    } else if (argument == "--config") {
      return make_error(Code::kInvalidArgument, "--config needs a value");
    } else {
      const std::string known[] = {"help", "version", "config"};
      return unknown_flag(argument, known, "aquilon --help");
    }
  }
  flags.used = static_cast<int>(i);
  return flags;
}

}  // namespace

struct Commands::State {
  std::vector<std::unique_ptr<Command>> commands;

  std::vector<CommandDoc> docs() const {
    std::vector<CommandDoc> docs;
    for (const auto& command : commands) docs.push_back(command->doc);
    return docs;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& command : commands) names.push_back(command->doc.name);
    return names;
  }

  Command* find(std::string_view name) {
    for (const auto& command : commands)
      if (command->doc.name == name) return command.get();
    return nullptr;
  }

  // The command that the arguments start with, and how many of them are its name: one, or two for a
  // command of a group ("bench model").
  std::pair<Command*, std::ptrdiff_t> find(std::span<const std::string> arguments) {
    if (arguments.empty()) return {nullptr, 0};
    if (arguments.size() > 1)
      if (Command* command = find(arguments[0] + " " + arguments[1])) return {command, 2};
    if (Command* command = find(arguments[0])) return {command, 1};
    return {nullptr, 0};
  }

  // The commands whose name has two words, of which this is the first.
  std::vector<CommandDoc> group(const std::string& word) const {
    std::vector<CommandDoc> docs;
    for (const auto& command : commands)
      if (command->doc.name.starts_with(word + " ")) docs.push_back(command->doc);
    return docs;
  }

  // Every heading and key of the file must mean something, not only those of the command that runs.
  Status check_config(const Config& config) {
    for (const auto& [heading, section] : config) {
      Command* command = find(heading);
      if (command == nullptr)
        return make_error(Code::kInvalidArgument, "[{}] is not a command{}", heading,
                          did_you_mean(heading, names()));
      std::vector<std::string> known;
      for (const BoundOption& option : command->options)
        if (!option.doc.positional) known.push_back(option.doc.name);
      for (const auto& [key, entry] : section)
        if (std::find(known.begin(), known.end(), key) == known.end())
          return make_error(Code::kInvalidArgument, "line {}: [{}] has no key {}{}", entry.line,
                            heading, key, did_you_mean(key, known));
    }
    return {};
  }

  Result<ConfigSection> config_for(const Command& command, const std::string& path) {
    if (path.empty()) return ConfigSection();
    const Config config = AQ_TRY(read_config(path));
    if (auto status = check_config(config); !status.ok())
      return std::move(status).error().with_context(path);
    const auto section = config.find(command.doc.name);
    return section == config.end() ? ConfigSection() : section->second;
  }

  Status run(Command& command, std::string config_path, std::vector<std::string> arguments) {
    if (AQ_TRY(parse_arguments(command, std::move(arguments)))) {
      print(command_help(command.doc));
      return {};
    }
    AQ_RETURN_IF_ERROR(check_leftovers(command));
    if (!command.config_path.empty()) config_path = command.config_path;
    const char* variable = std::getenv("AQUILON_CONFIG");
    if (config_path.empty() && variable != nullptr) config_path = variable;
    const auto resolve_all = [this, &command, config_path]() -> Status {
      return resolve(command.options, AQ_TRY(config_for(command, config_path)));
    };
    AQ_RETURN_IF_ERROR(resolve_all());
    if (command.resolve_again) *command.resolve_again = resolve_all;
    return command.run();
  }

  Error unknown_command(std::span<const std::string> arguments) const {
    std::string name = arguments[0];
    if (const auto members = group(name); !members.empty()) {
      if (arguments.size() == 1) {
        std::string list;
        for (const CommandDoc& doc : members) list += (list.empty() ? "" : ", ") + doc.name;
        return make_error(Code::kInvalidArgument, "{} needs one more word; one of: {}", name, list);
      }
      name += " " + arguments[1];
    }
    const std::string hint = did_you_mean(name, names());
    return make_error(Code::kInvalidArgument, "unknown command '{}'{}", name,
                      hint.empty() ? "; aquilon --help lists them" : hint);
  }

  // `aquilon help [COMMAND]`, for those who know it from other programs.
  Status help(std::span<const std::string> arguments) {
    const bool whole = arguments.empty() || arguments[0] == "help" || arguments[0] == "--help";
    const auto [command, words] = find(arguments);
    const std::vector<CommandDoc> members = whole ? docs() : group(arguments[0]);
    const auto more = static_cast<std::ptrdiff_t>(arguments.size()) - words;
    if (command != nullptr && more == 0)
      print(command_help(command->doc));
    else if (!members.empty() && arguments.size() <= 1)
      print(program_help(members));
    else if (command != nullptr || (members.empty() && arguments.size() > 1) || whole)
      return make_error(Code::kInvalidArgument, "usage: aquilon help [COMMAND]");
    else
      return unknown_command(arguments);
    return {};
  }

  Status dispatch(const std::vector<std::string>& arguments) {
    const ProgramFlags flags = AQ_TRY(parse_program_flags(arguments));
    if (flags.version || flags.markdown || flags.openapi || flags.help) {
      print(flags.version    ? "aquilon " AQUILON_VERSION "\n"
            : flags.markdown ? aquilon::apps::flags_markdown(docs())
            : flags.openapi  ? api::openapi_json() + "\n"
                             : program_help(docs()));
      return {};
    }
    const auto rest = std::span(arguments).subspan(static_cast<std::size_t>(flags.used));
    if (rest.empty())
      return make_error(Code::kInvalidArgument, "no command given; one of: {} (aquilon --help)",
                        fmt::join(names(), ", "));
    const auto [command, words] = find(rest);
    if (command == nullptr && rest[0] == "help") return help(rest.subspan(1));
    const bool asks = rest.size() > 1 && (rest[1] == "--help" || rest[1] == "-h");
    if (command == nullptr && asks) return help(rest.first(1));
    if (command == nullptr) return unknown_command(rest);
    return run(*command, flags.config, {rest.begin() + words, rest.end()});
  }
};

Commands::Commands() : state_(std::make_unique<State>()) {}
Commands::~Commands() = default;

CLI::App& Commands::begin_command(std::string_view name, std::string_view summary) {
  AQ_CHECK(state_->find(name) == nullptr);
  auto& command = *state_->commands.emplace_back(std::make_unique<Command>());
  command.doc.name = name;
  command.doc.summary = summary;
  command.app.allow_extras();
  command.app.add_option("--config", command.config_path)->take_last();
  return command.app;
}

void Commands::end_command(std::vector<BoundOption> options, std::function<Status()> run,
                           std::shared_ptr<std::function<Status()>> resolve_again) {
  Command& command = *state_->commands.back();
  for (const BoundOption& option : options) command.doc.options.push_back(option.doc);
  command.options = std::move(options);
  command.run = std::move(run);
  command.resolve_again = std::move(resolve_again);
}

int Commands::run(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  const Status status = run_guarded([&] { return state_->dispatch(arguments); });
  return status.ok() ? 0 : report(status.error());
}

std::string Commands::flags_markdown() const {
  return aquilon::apps::flags_markdown(state_->docs());
}

}  // namespace aquilon::apps
