#include "apps/help_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace aquilon::apps {
namespace {

constexpr std::size_t kWidth = 100;       // columns
constexpr std::size_t kWidestLabel = 30;  // longer ones get a line of their own

// "--port NUMBER", "[NAME ...]"
std::string label(const OptionDoc& option) {
  const char* more = option.repeatable ? " ..." : "";
  if (option.positional)
    return option.required ? option.name + more : fmt::format("[{}{}]", option.name, more);
  const std::string flag = (option.negatable ? "--[no-]" : "--") + option.name;
  return option.value.empty() ? flag : fmt::format("{} {}", flag, option.value);
}

// What follows the sentence: "(1 to 65535; default 8080)".
std::string facts(const OptionDoc& option) {
  std::vector<std::string> parts;
  if (option.required && !option.positional) parts.push_back("required");
  if (!option.range.empty()) parts.push_back(option.range);
  if (!option.default_value.empty()) parts.push_back("default " + option.default_value);
  if (option.repeatable && !option.positional) parts.push_back("may be repeated");
  return parts.empty() ? "" : fmt::format(" ({})", fmt::join(parts, "; "));
}

// `text` in lines of at most `width` columns, all but the first indented.
std::string wrap(std::string_view text, std::size_t width, std::size_t indent) {
  std::string out;
  while (text.size() > width) {
    std::size_t cut = text.rfind(' ', width);
    if (cut == std::string_view::npos || cut == 0) break;
    out += fmt::format("{}\n{:{}}", text.substr(0, cut), "", indent);
    text.remove_prefix(cut + 1);
  }
  return out.append(text);
}

// Two columns: labels, then texts at `column`.
std::string row(std::string_view left, std::string_view right, std::size_t column) {
  const std::string text = wrap(right, kWidth - column, column);
  if (left.size() + 4 > column) return fmt::format("  {}\n{:{}}{}\n", left, "", column, text);
  return fmt::format("  {:{}}{}\n", left, column - 2, text);
}

std::size_t label_column(std::span<const OptionDoc> options) {
  std::size_t widest = std::string_view("--help").size();
  for (const OptionDoc& option : options) {
    const std::size_t width = label(option).size();
    if (width <= kWidestLabel) widest = std::max(widest, width);
  }
  return widest + 4;
}

std::string markdown_cell(std::string_view text) {
  std::string cell;
  for (char c : text) {
    if (c == '|') cell += '\\';
    cell += c == '\n' ? ' ' : c;
  }
  return cell;
}

std::string_view markdown_notes(const OptionDoc& option) {
  if (option.required) return " (required)";
  return option.repeatable && !option.positional ? " (may be repeated)" : "";
}

std::string code_cell(std::string_view text) {
  return text.empty() ? "" : fmt::format("`{}`", markdown_cell(text));
}

}  // namespace

std::string program_help(std::span<const CommandDoc> commands) {
  std::size_t column = 0;
  for (const CommandDoc& command : commands) column = std::max(column, command.name.size() + 4);
  std::string out = "usage: aquilon [--config FILE] COMMAND [FLAGS]\n\n";
  for (const CommandDoc& command : commands) out += row(command.name, command.summary, column);
  out +=
      "\naquilon help COMMAND lists a command's flags; aquilon --version says the version.\n"
      "Each flag can also be set by its environment variable (--max-queue: AQUILON_MAX_QUEUE) or "
      "in the\n"
      "configuration file under [COMMAND] (max-queue = 8). A flag wins over the environment, that "
      "over\n"
      "the file.\n";
  return out;
}

std::string command_help(const CommandDoc& command) {
  std::string usage = "usage: aquilon " + command.name;
  bool has_flags = false;
  for (const OptionDoc& option : command.options) {
    if (option.positional) usage += " " + label(option);
    has_flags |= !option.positional;
    if (option.required && !option.positional) usage += " " + label(option);
  }
  std::string out =
      fmt::format("{}\n\n{}{}\n", command.summary, usage, has_flags ? " [FLAGS]" : "");
  const std::size_t column = label_column(command.options);
  const std::string* section = nullptr;
  for (const OptionDoc& option : command.options) {
    if (section == nullptr || *section != option.section)
      out += option.section.empty() ? "\n" : fmt::format("\n{}\n", option.section);
    section = &option.section;
    out += row(label(option), option.help + facts(option), column);
  }
  out += "\n" +
         row("--config FILE", "read settings from this file, under [" + command.name + "]", column);
  out += row("--help", "this list", column);
  return out;
}

std::string flags_markdown(std::span<const CommandDoc> commands) {
  std::string out;
  for (const CommandDoc& command : commands) {
    out += fmt::format("## `aquilon {}`\n\n{}.\n\n", command.name, command.summary);
    if (command.options.empty()) continue;
    out += "| flag | what | range | default | environment |\n|---|---|---|---|---|\n";
    for (const OptionDoc& option : command.options)
      out += fmt::format("| {} | {}{} | {} | {} | {} |\n", code_cell(label(option)),
                         markdown_cell(option.help), markdown_notes(option), option.range,
                         code_cell(option.default_value), code_cell(option.environment()));
    out += "\n";
  }
  if (!out.empty()) out.pop_back();
  return out;
}

}  // namespace aquilon::apps
