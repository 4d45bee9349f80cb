#include "apps/option_binding.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <type_traits>
#include <utility>

#include "base/check.h"

namespace aquilon::apps {
namespace {

// Digits would hide what the limits of 64 bits are.
std::string limit_text(double limit) {
  if (limit == -0x1p63) return "-2^63";
  if (limit == 0x1p63) return "2^63 - 1";  // no std::int64_t is larger
  return fmt::format("{:.12g}", limit);
}

std::string range_text(const OptionInfo& info) {
  const bool from = info.min > std::numeric_limits<double>::lowest();
  const bool to = info.max < std::numeric_limits<double>::max();
  if (from && to) return fmt::format("{} to {}", limit_text(info.min), limit_text(info.max));
  if (from) return "at least " + limit_text(info.min);
  if (to) return "at most " + limit_text(info.max);
  return {};
}

// What a number must be, for errors: "a whole number of tokens from 1 to 64".
std::string wanted(const OptionInfo& info, bool whole) {
  const std::string range = range_text(info);
  return fmt::format("{}{}{}", whole ? "a whole number" : "a number", range.empty() ? "" : ", ",
                     range);
}

template <class T>
Result<T> parse_number(const std::string& text, const OptionInfo& info) {
  T value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool parsed = code == std::errc() && end == text.data() + text.size();
  const double number = static_cast<double>(value);
  if (parsed && !std::isnan(number) && number >= info.min && number <= info.max) return value;
  return make_error(Code::kInvalidArgument, "must be {}, not '{}'",
                    wanted(info, std::is_integral_v<T>), text);
}

Result<bool> parse_switch(const std::string& text) {
  for (const char* yes : {"true", "1", "on", "yes"})
    if (text == yes) return true;
  for (const char* no : {"false", "0", "off", "no"})
    if (text == no) return false;
  return make_error(Code::kInvalidArgument, "must be true or false, not '{}'", text);
}

// The commas of an environment variable separate the values of a repeatable option.
std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

// A source of values: what it is called in errors, and what it holds.
struct Source {
  std::string name;
  std::vector<std::string> values;
};

// The nearest source that names this option; empty name: none does.
Source find_source(const BoundOption& option, const ConfigSection& config) {
  const OptionDoc& doc = option.doc;
  if (option.parsed->count() > 0) return {doc.spelling(), option.parsed->results()};
  if (doc.positional) return {};
  const std::string variable = doc.environment();
  const char* text = std::getenv(variable.c_str());
  if (text != nullptr && *text != '\0')
    return {variable, doc.repeatable ? split_list(text) : std::vector<std::string>{text}};
  const auto entry = config.find(doc.name);
  if (entry == config.end()) return {};
  return {fmt::format("configuration line {}: {}", entry->second.line, doc.name),
          entry->second.values};
}

// An empty text would be taken for none given, which mostly allows more.
Status check_given(const std::vector<std::string>& values, const OptionInfo& info) {
  if (info.may_be_empty || info.positional) return {};
  if (std::find(values.begin(), values.end(), "") == values.end()) return {};
  return Error{Code::kInvalidArgument, "is empty: give it a value, or leave it out"};
}

}  // namespace

std::string OptionDoc::environment() const {
  if (positional) return {};
  std::string variable = "AQUILON_";
  for (char c : name) variable += c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return variable;
}

std::string OptionDoc::spelling() const {
  return positional ? name : "--" + name;
}

BoundOption& OptionBinder::bind(const OptionInfo& info, std::string_view value_name) {
  BoundOption option;
  option.doc.name = info.flag;
  option.doc.section = section_;
  option.doc.help = info.help;
  option.doc.value = info.unit.empty() ? value_name : info.unit;
  option.doc.range = range_text(info);
  option.doc.positional = info.positional;
  option.doc.required = info.required;
  option.doc.secret = info.secret;
  try {
    // Values stay texts in the parser: resolve() turns them, wherever they come from, into members.
    const std::string name = option.doc.spelling();
    option.parsed = command_.add_option(name, CLI::callback_t([](const auto&) { return true; }));
    option.parsed->expected(1)->allow_extra_args(false)->take_all();
  } catch (const CLI::Error& error) {
    AQ_CHECK(!"an option's name is malformed or taken");
  }
  return options_.emplace_back(std::move(option));
}

template <class T, class Number>
void OptionBinder::bind_number(T& member, const OptionInfo& info) {
  BoundOption& option = bind(info, "NUMBER");
  if constexpr (std::is_same_v<T, Number>) {
    option.doc.default_value = fmt::format("{}", member);
  } else if (member) {
    option.doc.default_value = fmt::format("{}", *member);
  }
  option.assign = [&member, info](const std::vector<std::string>& values) -> Status {
    member = AQ_TRY(parse_number<Number>(values.front(), info));
    return {};
  };
}

void OptionBinder::operator()(bool& member, const OptionInfo& info) {
  BoundOption& option = bind(info, "");
  option.doc.value.clear();
  option.doc.negatable = member;
  option.doc.default_value = member ? "on" : "";
  try {
    command_.remove_option(option.parsed);
    option.parsed = command_
                        .add_flag(member ? fmt::format("--{0},!--no-{0}", info.flag)
                                         : fmt::format("--{}", info.flag))
                        ->take_all();
  } catch (const CLI::Error& error) {
    AQ_CHECK(!"a switch's name is malformed or taken");
  }
  option.assign = [&member](const std::vector<std::string>& values) -> Status {
    member = AQ_TRY(parse_switch(values.front()));
    return {};
  };
}

void OptionBinder::operator()(int& member, const OptionInfo& info) {
  bind_number<int, int>(member, info);
}
void OptionBinder::operator()(std::int64_t& member, const OptionInfo& info) {
  bind_number<std::int64_t, std::int64_t>(member, info);
}
void OptionBinder::operator()(double& member, const OptionInfo& info) {
  bind_number<double, double>(member, info);
}
void OptionBinder::operator()(std::optional<int>& member, const OptionInfo& info) {
  bind_number<std::optional<int>, int>(member, info);
}
void OptionBinder::operator()(std::optional<std::int64_t>& member, const OptionInfo& info) {
  bind_number<std::optional<std::int64_t>, std::int64_t>(member, info);
}
void OptionBinder::operator()(std::optional<double>& member, const OptionInfo& info) {
  bind_number<std::optional<double>, double>(member, info);
}

void OptionBinder::operator()(std::string& member, const OptionInfo& info) {
  BoundOption& option = bind(info, "TEXT");
  if (!info.secret) option.doc.default_value = member;
  option.assign = [&member, info](const std::vector<std::string>& values) -> Status {
    AQ_RETURN_IF_ERROR(check_given(values, info));
    member = values.front();
    return {};
  };
}

void OptionBinder::operator()(std::vector<std::string>& member, const OptionInfo& info) {
  BoundOption& option = bind(info, "TEXT");
  option.doc.repeatable = true;
  if (!info.secret) option.doc.default_value = fmt::format("{}", fmt::join(member, ", "));
  if (info.positional) option.parsed->allow_extra_args();
  option.assign = [&member, info](const std::vector<std::string>& values) -> Status {
    AQ_RETURN_IF_ERROR(check_given(values, info));
    member = values;
    return {};
  };
}

Status resolve(const std::vector<BoundOption>& options, const ConfigSection& config) {
  for (const BoundOption& option : options) {
    const Source source = find_source(option, config);
    const std::string& name = source.name;
    if (name.empty()) {
      if (!option.doc.required) continue;
      return make_error(Code::kInvalidArgument, "{} is missing: {}", option.doc.spelling(),
                        option.doc.help);
    }
    if (source.values.size() != 1 && !option.doc.repeatable)
      return make_error(Code::kInvalidArgument, "{} is given {} times; it takes one value", name,
                        source.values.size());
    if (auto status = option.assign(source.values); !status.ok())
      return make_error(Code::kInvalidArgument, "{} {}", name, status.error().message);
  }
  return {};
}

std::vector<std::string> flag_names(const std::vector<BoundOption>& options) {
  std::vector<std::string> names;
  for (const BoundOption& option : options) {
    if (option.doc.positional) continue;
    names.push_back(option.doc.name);
    if (option.doc.negatable) names.push_back("no-" + option.doc.name);
  }
  return names;
}

}  // namespace aquilon::apps
