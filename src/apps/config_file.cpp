#include "apps/config_file.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/file.h"  // read_file

namespace aquilon::apps {
namespace {

constexpr std::uint64_t kLargestFile = 1 << 20;
constexpr std::string_view kBlanks = " \t\r";

// A cursor over one line.
struct Line {
  std::string_view rest;

  void skip_blanks() { rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size())); }
  bool at_end() {
    skip_blanks();
    return rest.empty() || rest.front() == '#';
  }
  bool take(char c) {
    skip_blanks();
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  // Up to one of `ends` or a comment, blanks trimmed.
  std::string take_word(std::string_view ends) {
    skip_blanks();
    const std::size_t length = std::min(rest.find_first_of(std::string(ends) + "#"), rest.size());
    std::string_view word = rest.substr(0, length);
    rest.remove_prefix(length);
    return std::string(word.substr(0, word.find_last_not_of(kBlanks) + 1));
  }
};

std::optional<char> unescape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case '"':
    case '\\':
      return c;
    default:
      return std::nullopt;
  }
}

// The text after an opening quote, up to the closing one.
Result<std::string> take_quoted(Line& line, char quote) {
  std::string text;
  while (!line.rest.empty()) {
    char c = line.rest.front();
    line.rest.remove_prefix(1);
    if (c == quote) return text;
    if (quote == '"' && c == '\\') {
      const auto escaped = line.rest.empty() ? std::nullopt : unescape(line.rest.front());
      if (!escaped)
        return make_error(
            Code::kInvalidArgument,
            "unknown escape in \"...\"; known are \\\" \\\\ \\n \\r \\t, and '...' has none");
      c = *escaped;
      line.rest.remove_prefix(1);
    }
    text += c;
  }
  return make_error(Code::kInvalidArgument, "the closing {} is missing", quote);
}

Result<std::string> take_value(Line& line, std::string_view ends) {
  if (line.take('"')) return take_quoted(line, '"');
  if (line.take('\'')) return take_quoted(line, '\'');
  std::string word = line.take_word(ends);
  if (word.empty()) return make_error(Code::kInvalidArgument, "a value is missing");
  return word;
}

Result<std::vector<std::string>> take_values(Line& line) {
  std::vector<std::string> values;
  if (!line.take('[')) {
    values.push_back(AQ_TRY(take_value(line, "")));
    return values;
  }
  while (!line.take(']')) {
    values.push_back(AQ_TRY(take_value(line, ",]")));
    if (line.take(',')) continue;
    if (line.take(']')) break;
    return make_error(Code::kInvalidArgument, "the closing ] is missing");
  }
  return values;
}

Result<std::string> take_heading(Line& line) {
  std::string name = line.take_word("]");
  if (name.empty() || !line.take(']') || !line.at_end())
    return make_error(Code::kInvalidArgument, "a heading is [command], alone on its line");
  return name;
}

// One line of the file. `section` is the current one, or null before the first heading.
Status parse_line(Line line, int number, Config& config, ConfigSection*& section) {
  if (line.at_end()) return {};
  if (line.take('[')) {
    section = &config[AQ_TRY(take_heading(line))];
    return {};
  }
  std::string key = line.take_word("=");
  if (key.empty() || !line.take('='))
    return make_error(Code::kInvalidArgument, "expected [command] or key = value");
  if (section == nullptr)
    return make_error(Code::kInvalidArgument, "{} stands before the first [command] heading", key);
  auto values = AQ_TRY(take_values(line));
  if (!line.at_end()) return make_error(Code::kInvalidArgument, "{} has text after its value", key);
  if (!section->try_emplace(key, ConfigEntry{std::move(values), number}).second)
    return make_error(Code::kInvalidArgument, "{} is there twice", key);
  return {};
}

}  // namespace

Result<Config> parse_config(std::string_view text) {
  Config config;
  ConfigSection* section = nullptr;
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (auto status = parse_line({line}, number, config, section); !status.ok())
      return std::move(status).error().with_context(fmt::format("line {}", number));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return config;
}

Result<Config> read_config(const std::string& path) {
  const std::string text = AQ_TRY(read_file(path, kLargestFile));
  auto config = parse_config(text);
  if (!config.ok()) return std::move(config).error().with_context(path);
  return config;
}

}  // namespace aquilon::apps
