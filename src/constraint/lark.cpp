// A subset of Lark's grammars: rules and terminals with alternatives, groups, repetitions, ranges,
// regular expressions, %ignore and the common terminals. Terminals may match in every way, not only
// the longest: the language is that of the rules over all ways to cut the text.
#include <algorithm>

#include "constraint/cfg_text_internal.h"
#include "constraint/pattern_internal.h"

namespace aquilon::constraint {
namespace {

using Kind = CfgExpression::Kind;

// Of lark's common.lark, as regular expressions.
constexpr std::pair<std::string_view, std::string_view> kCommon[] = {
    {"DIGIT", "[0-9]"},
    {"HEXDIGIT", "[a-fA-F0-9]"},
    {"INT", "[0-9]+"},
    {"SIGNED_INT", "[+-]?[0-9]+"},
    {"DECIMAL", "[0-9]+\\.[0-9]*|\\.[0-9]+"},
    {"FLOAT", "[0-9]+[eE][+-]?[0-9]+|(?:[0-9]+\\.[0-9]*|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?"},
    {"SIGNED_FLOAT",
     "[+-]?(?:[0-9]+[eE][+-]?[0-9]+|(?:[0-9]+\\.[0-9]*|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"},
    {"NUMBER", "[0-9]+(?:\\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\\.[0-9]+(?:[eE][+-]?[0-9]+)?"},
    {"SIGNED_NUMBER",
     "[+-]?(?:[0-9]+(?:\\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\\.[0-9]+(?:[eE][+-]?[0-9]+)?)"},
    {"ESCAPED_STRING", "\"(?:[^\"\\\\\\n]|\\\\[^\\n])*\""},
    {"LCASE_LETTER", "[a-z]"},
    {"UCASE_LETTER", "[A-Z]"},
    {"LETTER", "[a-zA-Z]"},
    {"WORD", "[a-zA-Z]+"},
    {"CNAME", "[_a-zA-Z][_a-zA-Z0-9]*"},
    {"WS_INLINE", "[ \\t]+"},
    {"WS", "[ \\t\\f\\r\\n]+"},
    {"CR", "\\r"},
    {"LF", "\\n"},
    {"NEWLINE", "(?:\\r?\\n)+"},
    {"SH_COMMENT", "#[^\\n]*"},
    {"CPP_COMMENT", "//[^\\n]*"},
    {"C_COMMENT", "/\\*(?:[^*]|\\*+[^*/])*\\*+/"},
};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name(char c) {
  return is_letter(c) || (c >= '0' && c <= '9');
}
bool is_terminal(std::string_view name) {
  for (const char c : name)
    if (c != '_') return c >= 'A' && c <= 'Z';
  return false;
}

class Parser : CfgText {
 public:
  using CfgText::CfgText;

  Result<CfgSource> parse() {
    AQ_RETURN_IF_ERROR(check_size());
    for (space(true); !at_end(); space(true)) {
      if (take("%"))
        AQ_RETURN_IF_ERROR(directive());
      else
        AQ_RETURN_IF_ERROR(definition());
    }
    CfgSource source = AQ_TRY(finish("start"));
    insert_ignored(source);
    return source;
  }

 private:
  bool comment() const {
    return text_.substr(at_).starts_with("//") || text_.substr(at_).starts_with("#");
  }
  void space(bool lines) {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (comment()) {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r'))) {
        ++at_;
      } else {
        return;
      }
    }
  }
  std::string name() {
    const std::size_t begin = at_;
    if (at_ < text_.size() && is_letter(text_[at_]))
      while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }
  Status directive() {
    const std::string word = name();
    space(false);
    if (word == "ignore") {
      CfgExpression e = AQ_TRY(choice(0));
      const std::string hidden = "%ignore" + std::to_string(ignored_.size());
      AQ_RETURN_IF_ERROR(define(hidden, std::move(e)));
      ignored_.push_back(names_[hidden]);
      return {};
    }
    if (word != "import") return lacking("%" + word);
    std::string path = name();
    while (take(".")) path += "." + name();
    if (!path.starts_with("common")) return lacking("importing from other files");
    std::vector<std::pair<std::string, std::string>> wanted;
    space(false);
    if (take("(")) {
      do {
        space(true);
        const std::string one = name();
        wanted.emplace_back(one, one);
        space(true);
      } while (take(","));
      if (!take(")")) return wrong("'(' without ')'");
    } else {
      const std::string one = path.substr(std::min(path.size(), path.find('.') + 1));
      std::string as = one;
      if (take("->")) {
        space(false);
        as = name();
      }
      wanted.emplace_back(one, as);
    }
    for (const auto& [one, as] : wanted) {
      const auto found = std::find_if(std::begin(kCommon), std::end(kCommon),
                                      [&, &one = one](const auto& c) { return c.first == one; });
      if (found == std::end(kCommon)) return lacking("the import common." + one);
      AQ_RETURN_IF_ERROR(define(as, AQ_TRY(regex(found->second))));
    }
    return {};
  }

  Status definition() {
    if (!take("?")) take("!");
    take("?");
    const std::string of = name();
    if (of.empty()) return wrong("a rule's or terminal's name is expected");
    if (take("{")) return lacking("a rule with parameters");
    if (take("."))
      while (at_ < text_.size() && ((text_[at_] >= '0' && text_[at_] <= '9') || text_[at_] == '-'))
        ++at_;
    space(false);
    if (!take(":")) return wrong("':' is expected after '" + of + "'");
    CfgExpression body = AQ_TRY(choice(0));
    if (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r')
      return wrong("the end of '" + of + "' is expected");
    return define(of, std::move(body));
  }

  // Whether the alternatives go on in a later line.
  bool continues() {
    const std::size_t before = at_;
    space(true);
    if (at_ < text_.size() && text_[at_] == '|') return true;
    at_ = before;
    return false;
  }

  Result<CfgExpression> choice(int depth) {
    if (depth > kMaxDepth) return wrong("groups nested too deeply");
    std::vector<CfgExpression> parts;
    do {
      space(depth > 0);
      parts.push_back(AQ_TRY(sequence(depth)));
      if (take("->")) {
        space(false);
        name();
        space(false);
      }
    } while (continues() && take("|"));
    return choice_of(std::move(parts));
  }

  Result<CfgExpression> sequence(int depth) {
    CfgExpression e{Kind::kSequence};
    for (;;) {
      space(depth > 0);
      if (at_end() || is_one_of("|)]\n\r") || starts_with("->")) return e;
      CfgExpression part = AQ_TRY(term(depth));
      AQ_RETURN_IF_ERROR(quantifier(part));
      e.parts.push_back(std::move(part));
    }
  }

  Result<CfgExpression> regex(std::string_view pattern) {
    auto id = compile_pattern(store_, pattern, {.spelling = Spelling::kPlain, .search = false});
    if (!id.ok()) return wrong(id.error().message);
    return text(*id);
  }

  Result<CfgExpression> term(int depth) {
    if (text_[at_] == '"') return quoted();
    if (take("/")) return slashed();
    if (take("(")) {
      CfgExpression inner = AQ_TRY(choice(depth + 1));
      space(true);
      if (!take(")")) return wrong("'(' without ')'");
      return inner;
    }
    if (take("[")) {
      CfgExpression inner = AQ_TRY(choice(depth + 1));
      space(true);
      if (!take("]")) return wrong("'[' without ']'");
      AQ_RETURN_IF_ERROR(repeat(inner, 0, 1));
      return inner;
    }
    const std::string of = name();
    if (of.empty())
      return text_[at_] == '<' ? lacking("a token by name")
                               : wrong("unexpected '" + std::string(1, text_[at_]) + "'");
    if (take("{")) return lacking("a rule with parameters");
    return call(rule_of(of));
  }

  // The text between quotes, as a regular expression that matches it.
  Result<std::string> quoted_pattern() {
    std::string pattern;
    ++at_;
    while (!take("\"")) {
      if (at_ >= text_.size() || text_[at_] == '\n') return wrong("a text without its end");
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        const char next = text_[at_ + 1];
        if (next == '"')
          pattern += '"';
        else
          pattern += text_.substr(at_, 2);
        at_ += 2;
        continue;
      }
      if (std::string_view("^$.*+?()[]{}|/").find(text_[at_]) != std::string_view::npos)
        pattern += '\\';
      pattern += text_[at_++];
    }
    return pattern;
  }

  Result<CfgExpression> quoted() {
    std::string pattern = AQ_TRY(quoted_pattern());
    if (take("..")) {
      if (at_ >= text_.size() || text_[at_] != '"') return wrong("a range without its end");
      const std::string high = AQ_TRY(quoted_pattern());
      return regex("[" + pattern + "-" + high + "]");
    }
    if (take("i")) pattern = any_case(pattern);
    return regex(pattern);
  }

  static std::string any_case(const std::string& pattern) {
    std::string out;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      const char c = pattern[i];
      if (c == '\\' && i + 1 < pattern.size()) {
        out += c;
        out += pattern[++i];
      } else if ((c | 32) >= 'a' && (c | 32) <= 'z') {
        out += {'[', static_cast<char>(c | 32), static_cast<char>(c & ~32), ']'};
      } else {
        out += c;
      }
    }
    return out;
  }

  Result<CfgExpression> slashed() {
    std::string pattern;
    bool in_class = false;
    while (in_class || !take("/")) {
      if (at_ >= text_.size() || text_[at_] == '\n')
        return wrong("a regular expression without its end");
      if (text_[at_] == '[') in_class = true;
      if (text_[at_] == ']') in_class = false;
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) pattern += text_[at_++];
      pattern += text_[at_++];
    }
    if (at_ < text_.size() && is_letter(text_[at_]) && text_[at_] != '_')
      return lacking("a regular expression with flags");
    return regex(pattern);
  }

  Status quantifier(CfgExpression& part) {
    std::uint32_t min = 0, max = kUnbounded;
    if (!mark(min, max)) {
      const std::size_t before = at_;
      space(false);
      if (!take("~")) {
        at_ = before;
        return {};
      }
      space(false);
      if (!number(min)) return wrong("'~' without a number");
      max = min;
      if (take("..") && !number(max)) return wrong("'..' without a number");
    }
    return repeat(part, min, max);
  }

  // Ignored terminals may follow every terminal of a rule, and begin the text.
  void insert_ignored(CfgSource& source) const {
    if (ignored_.empty()) return;
    CfgExpression any{Kind::kChoice};
    for (const std::uint32_t rule : ignored_) any.parts.push_back(call(rule));
    CfgExpression gap{Kind::kRepeat};
    gap.max = kUnbounded;
    gap.parts.push_back(std::move(any));
    for (CfgRule& rule : source.rules)
      if (!is_terminal(rule.name) && rule.name[0] != '%') follow(source, rule.body, gap);
    CfgExpression whole{Kind::kSequence};
    whole.parts.push_back(gap);
    whole.parts.push_back(call(source.start));
    source.start = static_cast<std::uint32_t>(source.rules.size());
    source.rules.push_back({"%start", std::move(whole), true});
  }

  static void follow(const CfgSource& source, CfgExpression& e, const CfgExpression& gap) {
    const bool terminal =
        e.kind == Kind::kText || (e.kind == Kind::kRule && is_terminal(source.rules[e.rule].name));
    if (terminal) {
      CfgExpression both{Kind::kSequence};
      both.parts.push_back(std::move(e));
      both.parts.push_back(gap);
      e = std::move(both);
      return;
    }
    for (CfgExpression& part : e.parts) follow(source, part, gap);
  }

  std::vector<std::uint32_t> ignored_;
};

}  // namespace

Result<CfgSource> parse_lark(std::string_view text, RegexStore& store) {
  return Parser(text, store).parse();
}

}  // namespace aquilon::constraint
