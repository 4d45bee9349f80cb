#include <utf8proc.h>

#include <algorithm>
#include <string>

#include "base/utf8.h"
#include "constraint/pattern_parser_internal.h"

namespace aquilon::constraint {
namespace {

constexpr int kMaxDepth = 200;
constexpr std::uint32_t kMaxRepeat = 100'000;
constexpr std::size_t kMaxPattern = 64 << 10;

const CodePoints& digits() {
  static const CodePoints set{{'0', '9'}};
  return set;
}
const CodePoints& word() {
  static const CodePoints set{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  return set;
}
const CodePoints& space() {
  static const CodePoints set{
      {0x09, 0x0D},     {0x20, 0x20},     {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
      {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
  return set;
}
const CodePoints& line_ends() {
  static const CodePoints set{{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};
  return set;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<PatternNode> parse() {
    if (text_.size() > kMaxPattern)
      return make_error(Code::kUnsupported, "the pattern has {} bytes; at most {} are read",
                        text_.size(), kMaxPattern);
    PatternNode node = AQ_TRY(choice(0));
    if (at_ < text_.size()) return wrong("')' without '('");
    return node;
  }

 private:
  bool more() const { return at_ < text_.size(); }
  bool take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  Error wrong(std::string_view what) const {
    return make_error(Code::kInvalidArgument, "not a regular expression: {} at byte {}", what, at_);
  }
  Error lacking(std::string_view what) const {
    return make_error(Code::kUnsupported, "{} at byte {} cannot be enforced", what, at_);
  }

  Result<std::uint32_t> code_point() {
    const std::size_t length = utf8_length(text_.substr(at_));
    if (length == 0) return wrong("invalid UTF-8");
    utf8proc_int32_t cp = 0;
    utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text_.data() + at_),
                     static_cast<utf8proc_ssize_t>(length), &cp);
    at_ += length;
    return static_cast<std::uint32_t>(cp);
  }

  Result<PatternNode> choice(int depth) {
    if (depth > kMaxDepth) return wrong("groups nested too deeply");
    PatternNode node{PatternNode::Kind::kChoice};
    do {
      node.parts.push_back(AQ_TRY(sequence(depth)));
    } while (take("|"));
    if (node.parts.size() > 1) return node;
    PatternNode only = std::move(node.parts[0]);
    return only;
  }

  Result<PatternNode> sequence(int depth) {
    PatternNode node{PatternNode::Kind::kSequence};
    while (more() && text_[at_] != '|' && text_[at_] != ')') {
      PatternNode part = AQ_TRY(term(depth));
      AQ_RETURN_IF_ERROR(quantifier(part));
      node.parts.push_back(std::move(part));
    }
    return node;
  }

  Result<PatternNode> term(int depth) {
    using Kind = PatternNode::Kind;
    if (take("^")) return PatternNode{Kind::kBegin};
    if (take("$")) return PatternNode{Kind::kEnd};
    if (take("(?=")) return group(Kind::kAhead, depth);
    if (take("(?!")) return group(Kind::kNotAhead, depth);
    if (take("(?:")) return group(Kind::kSequence, depth);
    if (take("(?<=") || take("(?<!")) return lacking("lookbehind");
    if (take("(?<") || take("(?P<")) {
      const std::size_t end = text_.find('>', at_);
      if (end == std::string_view::npos || end == at_) return wrong("a group's name without '>'");
      at_ = end + 1;
      return group(Kind::kSequence, depth);
    }
    if (take("(?")) return lacking("the group modifier");
    if (take("(")) return group(Kind::kSequence, depth);
    if (take(".")) return characters(line_ends().complement());
    if (take("[")) return bracket();
    if (take("\\")) return escape();
    if (text_[at_] == '*' || text_[at_] == '+' || text_[at_] == '?')
      return wrong("nothing to repeat");
    const std::uint32_t cp = AQ_TRY(code_point());
    return characters(CodePoints{{cp, cp}});
  }

  static PatternNode characters(CodePoints set) {
    PatternNode node{PatternNode::Kind::kCharacters};
    node.characters = std::move(set);
    return node;
  }

  Result<PatternNode> group(PatternNode::Kind kind, int depth) {
    PatternNode inner = AQ_TRY(choice(depth + 1));
    if (!take(")")) return wrong("'(' without ')'");
    if (kind == PatternNode::Kind::kSequence) return inner;
    PatternNode node{kind};
    node.parts.push_back(std::move(inner));
    return node;
  }

  bool number(std::uint32_t& out) {
    std::size_t at = at_;
    std::uint64_t value = 0;
    while (at < text_.size() && text_[at] >= '0' && text_[at] <= '9')
      value = std::min<std::uint64_t>(value * 10 + static_cast<unsigned>(text_[at++] - '0'),
                                      kMaxRepeat + 1);
    if (at == at_) return false;
    at_ = at;
    out = static_cast<std::uint32_t>(value);
    return true;
  }

  // {n}, {n,}, {n,m}; false and nothing read where the brace is a plain character.
  bool braces(std::uint32_t& min, std::uint32_t& max) {
    const std::size_t begin = at_;
    if (take("{") && number(min)) {
      max = min;
      if (take(",") && !number(max)) max = kUnbounded;
      if (take("}")) return true;
    }
    at_ = begin;
    return false;
  }

  Status quantifier(PatternNode& part) {
    std::uint32_t min = 0, max = kUnbounded;
    if (take("*")) {
    } else if (take("+")) {
      min = 1;
    } else if (take("?")) {
      max = 1;
    } else if (!braces(min, max)) {
      return {};
    }
    if (min > max) return wrong("a repetition's bounds are out of order");
    if (min > kMaxRepeat || (max != kUnbounded && max > kMaxRepeat))
      return lacking("a repetition of more than 100000");
    take("?");  // laziness changes no language
    if (more() && (text_[at_] == '*' || text_[at_] == '+' || text_[at_] == '?'))
      return wrong("nothing to repeat");
    using Kind = PatternNode::Kind;
    if (part.kind == Kind::kBegin || part.kind == Kind::kEnd) return wrong("nothing to repeat");
    PatternNode node{Kind::kRepeat};
    node.min = min;
    node.max = max;
    node.parts.push_back(std::move(part));
    part = std::move(node);
    return {};
  }

  Result<std::uint32_t> hex(int count) {
    std::uint32_t value = 0;
    for (int i = 0; i < count; ++i) {
      const char c = more() ? text_[at_] : ' ';
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return wrong("a hexadecimal digit is missing");
      value = value * 16 + static_cast<std::uint32_t>(digit);
      ++at_;
    }
    return value;
  }

  Result<std::uint32_t> unicode_escape() {
    if (take("{")) {
      std::uint32_t value = 0;
      do {
        value = value * 16 + AQ_TRY(hex(1));
        if (value > 0x10FFFF) return wrong("a code point above U+10FFFF");
      } while (!take("}"));
      return value;
    }
    const std::uint32_t unit = AQ_TRY(hex(4));
    if (unit < 0xD800 || unit > 0xDBFF || !text_.substr(at_).starts_with("\\u")) return unit;
    const std::size_t before = at_;
    at_ += 2;
    const std::uint32_t low = AQ_TRY(hex(4));
    if (low >= 0xDC00 && low <= 0xDFFF) return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    at_ = before;
    return unit;
  }

  // \p{Letter}, \p{Lu}, \p{Script=...} after the p.
  Result<CodePoints> property(bool negated) {
    if (!take("{")) return wrong("\\p without '{'");
    const std::size_t end = text_.find('}', at_);
    if (end == std::string_view::npos) return wrong("\\p{ without '}'");
    std::string_view name = text_.substr(at_, end - at_);
    for (const std::string_view prefix : {"General_Category=", "gc="})
      if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    static constexpr std::pair<std::string_view, std::string_view> kLong[] = {
        {"Letter", "L"},
        {"Lowercase_Letter", "Ll"},
        {"Uppercase_Letter", "Lu"},
        {"Mark", "M"},
        {"Number", "N"},
        {"Decimal_Number", "Nd"},
        {"digit", "Nd"},
        {"Punctuation", "P"},
        {"punct", "P"},
        {"Symbol", "S"},
        {"Separator", "Z"},
        {"Space_Separator", "Zs"},
        {"Control", "Cc"},
        {"cntrl", "Cc"},
        {"Other", "C"},
        {"Titlecase_Letter", "Lt"},
        {"Modifier_Letter", "Lm"},
        {"Other_Letter", "Lo"}};
    for (const auto& [from, to] : kLong)
      if (name == from) name = to;
    const bool known = (name.size() == 1 || name.size() == 2) &&
                       std::string_view("LMNPSZC").find(name[0]) != std::string_view::npos;
    if (!known && name != "Any" && name != "ASCII" && name != "Alphabetic")
      return lacking("the Unicode property");
    CodePoints set;
    if (name == "Any") set.add(0, 0x10FFFF);
    if (name == "ASCII") set.add(0, 0x7F);
    if (name == "Alphabetic") name = "L";
    for (std::uint32_t cp = 0; known && cp <= 0x10FFFF; ++cp) {
      const std::string_view category = utf8proc_category_string(static_cast<utf8proc_int32_t>(cp));
      if (category.starts_with(name)) set.add(cp, cp);
    }
    set.normalise();
    if (known && set.ranges().empty()) return wrong("an unknown Unicode property");
    at_ = end + 1;
    return negated ? set.complement() : set;
  }

  // After the backslash, where one character is meant; -1 and `set` for a class.
  Result<std::int64_t> escaped(CodePoints& set, bool in_bracket) {
    if (!more()) return wrong("a backslash at the end");
    const char c = text_[at_];
    if (c == 'd' || c == 'D') set = c == 'd' ? digits() : digits().complement();
    if (c == 'w' || c == 'W') set = c == 'w' ? word() : word().complement();
    if (c == 's' || c == 'S') set = c == 's' ? space() : space().complement();
    ++at_;
    if (c == 'p' || c == 'P') set = AQ_TRY(property(c == 'P'));
    if (std::string_view("dDwWsSpP").find(c) != std::string_view::npos) return -1;
    switch (c) {
      case 't':
        return '\t';
      case 'n':
        return '\n';
      case 'v':
        return '\v';
      case 'f':
        return '\f';
      case 'r':
        return '\r';
      case '0':
        return 0;
      case 'x':
        return std::int64_t{AQ_TRY(hex(2))};
      case 'u':
        return std::int64_t{AQ_TRY(unicode_escape())};
      case 'c': {
        if (!more() || !((text_[at_] | 32) >= 'a' && (text_[at_] | 32) <= 'z'))
          return wrong("\\c without a letter");
        return text_[at_++] & 31;
      }
      case 'b':
        if (in_bracket) return '\b';
        return lacking("the word boundary \\b");
      case 'B':
        return lacking("the word boundary \\B");
      case 'k':
        return lacking("the backreference \\k");
      default:
        break;
    }
    if (c >= '1' && c <= '9') return lacking("a backreference");
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      --at_;
      return wrong("an unknown escape");
    }
    --at_;
    return std::int64_t{AQ_TRY(code_point())};
  }

  Result<PatternNode> escape() {
    CodePoints set;
    const std::int64_t cp = AQ_TRY(escaped(set, false));
    if (cp < 0) return characters(std::move(set));
    const auto value = static_cast<std::uint32_t>(cp);
    return characters(CodePoints{{value, value}});
  }

  Result<std::int64_t> bracket_item(CodePoints& set) {
    if (take("\\")) return escaped(set, true);
    return std::int64_t{AQ_TRY(code_point())};
  }

  Result<PatternNode> bracket() {
    const bool negated = take("^");
    CodePoints all;
    while (!take("]")) {
      if (!more()) return wrong("'[' without ']'");
      CodePoints set;
      const std::int64_t low = AQ_TRY(bracket_item(set));
      if (low < 0) {
        all.add(set);
        continue;
      }
      const bool range = text_.substr(at_).starts_with("-") &&
                         !text_.substr(at_).starts_with("-]") && at_ + 1 < text_.size();
      std::int64_t high = low;
      if (range) {
        ++at_;
        high = AQ_TRY(bracket_item(set));
        if (high < 0) {  // [a-\d]: three members
          all.add(set);
          all.add('-', '-');
          high = low;
        }
        if (high < low) return wrong("a range out of order");
      }
      all.add(static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(high));
    }
    all.normalise();
    return characters(negated ? all.complement() : std::move(all));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<PatternNode> parse_pattern(std::string_view pattern) {
  return Parser(pattern).parse();
}

}  // namespace aquilon::constraint
