// Joins an options struct (base/options.h) to the command line, the environment and the
// configuration file. The members are written by resolve(), nearest source first: flag,
// environment, file, default.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/config_file.h"  // ConfigSection
#include "base/options.h"
#include "base/result.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace aquilon::apps {

// What help and docs/FLAGS.md say of one option.
struct OptionDoc {
  std::string name;     // long name without dashes; a positional's name
  std::string section;  // heading in help, empty: the first, unnamed one
  std::string help;
  std::string value;          // what follows the flag: "NUMBER", "TEXT", "FILE"; empty for a switch
  std::string range;          // "1 to 65535", empty: none
  std::string default_value;  // empty: none, or a secret
  bool positional = false;
  bool required = false;
  bool secret = false;
  bool repeatable = false;
  bool negatable = false;  // a switch that is on: --no-NAME turns it off

  std::string environment() const;  // AQUILON_MAX_QUEUE; empty for a positional
  std::string spelling() const;     // --max-queue, or NAME for a positional
};

// One option of one command: its description, its place in the parser, and how texts become its
// value.
struct BoundOption {
  OptionDoc doc;
  CLI::Option* parsed = nullptr;
  // Writes the member. The error completes a sentence that starts with the source: "must be ...".
  std::function<Status(const std::vector<std::string>&)> assign;
};

// The visitor that an options struct's visit() is called with. Members must outlive the bound
// options.
class OptionBinder {
 public:
  explicit OptionBinder(CLI::App& command) : command_(command) {}

  void operator()(bool& member, const OptionInfo& info);
  void operator()(int& member, const OptionInfo& info);
  void operator()(std::int64_t& member, const OptionInfo& info);
  void operator()(double& member, const OptionInfo& info);
  void operator()(std::string& member, const OptionInfo& info);
  void operator()(std::vector<std::string>& member, const OptionInfo& info);
  void operator()(std::optional<int>& member, const OptionInfo& info);
  void operator()(std::optional<std::int64_t>& member, const OptionInfo& info);
  void operator()(std::optional<double>& member, const OptionInfo& info);

  // Heading in help for the options that follow.
  void section(std::string_view title) { section_ = title; }

  std::vector<BoundOption> take() && { return std::move(options_); }

 private:
  template <class T, class Number>
  void bind_number(T& member, const OptionInfo& info);
  BoundOption& bind(const OptionInfo& info, std::string_view value_name);

  CLI::App& command_;
  std::string section_;
  std::vector<BoundOption> options_;
};

// Gives every option its value, once the command line is parsed. Errors: kInvalidArgument that
// names the flag, variable or key, and what would be right.
Status resolve(const std::vector<BoundOption>& options, const ConfigSection& config);

// The flags' names, to search for the one that was meant.
std::vector<std::string> flag_names(const std::vector<BoundOption>& options);

}  // namespace aquilon::apps
