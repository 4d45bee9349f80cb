#include "chat/tools/call_pattern.h"

#include <algorithm>

namespace aquilon::chat {
namespace {

using Kind = PatternItem::Kind;

Kind kind_of(char sign) {
  switch (sign) {
    case 'N':
      return Kind::kName;
    case 'A':
      return Kind::kArguments;
    case 'I':
      return Kind::kId;
    default:
      return Kind::kKeywords;
  }
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

template <class Test>
std::size_t run_of(std::string_view text, Test test) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), test) - text.begin());
}

PatternMatch match_name(std::string_view text, std::span<const std::string> names) {
  const std::size_t length = run_of(text, is_name_char);
  const std::string_view read = text.substr(0, length);
  const bool at_end = length == text.size();
  for (const std::string& name : names) {
    if (at_end && name.size() >= length && std::string_view(name).starts_with(read))
      return {Match::kBegun};
    if (name == read) return {Match::kWhole, length};
  }
  return {};
}

PatternMatch match_item(const PatternItem& item, std::string_view text,
                        std::span<const std::string> names) {
  switch (item.kind) {
    case Kind::kSpaces:
      return {Match::kWhole, run_of(text, is_space)};
    case Kind::kWord:
      return {Match::kWhole, run_of(text, is_word)};
    case Kind::kName:
      return match_name(text, names);
    case Kind::kId: {
      const std::size_t length = run_of(text, is_name_char);
      if (length == text.size()) return {Match::kBegun};
      return {length > 0 ? Match::kWhole : Match::kNo, length};
    }
    case Kind::kText:
      if (text.starts_with(item.text)) return {Match::kWhole, item.text.size()};
      return {item.text.starts_with(text) ? Match::kBegun : Match::kNo};
    case Kind::kArguments:
    case Kind::kKeywords:
      break;
  }
  return {};
}

}  // namespace

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

bool is_name_char(char c) {
  return is_word(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

std::vector<PatternItem> pattern_items(std::string_view pattern) {
  std::vector<PatternItem> items;
  while (!pattern.empty()) {
    std::size_t length = 1;
    if (pattern[0] == '~') {
      items.push_back({Kind::kSpaces, {}});
    } else if (pattern[0] == '%') {
      items.push_back({Kind::kWord, {}});
    } else if (pattern[0] == '$' && pattern.size() > 1) {
      items.push_back({kind_of(pattern[1]), {}});
      length = 2;
    } else {
      length = std::min(pattern.find_first_of("~%$", 1), pattern.size());
      items.push_back({Kind::kText, pattern.substr(0, length)});
    }
    pattern.remove_prefix(length);
  }
  return items;
}

PatternMatch match_pattern(std::string_view pattern, std::string_view text,
                           std::span<const std::string> names) {
  std::size_t at = 0;
  for (const PatternItem& item : pattern_items(pattern)) {
    const PatternMatch one = match_item(item, text.substr(at), names);
    if (one.match != Match::kWhole) return one;
    at += one.length;
  }
  return {Match::kWhole, at};
}

}  // namespace aquilon::chat
