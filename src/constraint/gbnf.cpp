// llama.cpp's grammar notation.
#include "base/utf8.h"
#include "constraint/cfg_text_internal.h"
#include "constraint/code_points_internal.h"

namespace aquilon::constraint {
namespace {

using Kind = CfgExpression::Kind;

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

class Parser : CfgText {
 public:
  using CfgText::CfgText;

  Result<CfgSource> parse() {
    AQ_RETURN_IF_ERROR(check_size());
    space(true);
    while (!at_end()) {
      const std::string name = AQ_TRY(read_name());
      space(false);
      if (!take("::=")) return wrong("'::=' is expected after a rule's name");
      space(true);
      AQ_RETURN_IF_ERROR(define(name, AQ_TRY(choice(0))));
      if (!at_end() && !is_one_of("\n\r")) return wrong("a rule's end is expected");
      space(true);
    }
    return finish("root");
  }

 private:
  void space(bool lines) {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '#')
        while (at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
      else if (c != ' ' && c != '\t' && (!lines || (c != '\n' && c != '\r')))
        return;
    }
  }
  Result<std::string> read_name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    if (at_ == begin) return wrong("a name is expected");
    return std::string(text_.substr(begin, at_ - begin));
  }
  Result<CfgExpression> choice(int depth) {
    if (depth > kMaxDepth) return wrong("groups nested too deeply");
    std::vector<CfgExpression> parts;
    do {
      space(true);
      parts.push_back(AQ_TRY(sequence(depth)));
    } while (take("|"));
    return choice_of(std::move(parts));
  }

  Result<CfgExpression> sequence(int depth) {
    CfgExpression e{Kind::kSequence};
    for (;;) {
      space(depth > 0);
      if (at_end() || is_one_of("|)\n\r")) return e;
      CfgExpression part = AQ_TRY(term(depth));
      while (AQ_TRY(quantifier(part))) {
      }
      e.parts.push_back(std::move(part));
    }
  }

  Result<CfgExpression> term(int depth) {
    if (take("\"")) {
      std::string literal;
      while (!take("\"")) {
        if (at_ == text_.size() || text_[at_] == '\n') return wrong("a text without its end");
        append(literal, AQ_TRY(character()));
      }
      return text(store_.literal(literal));
    }
    if (take("[")) return bracket();
    if (take(".")) return text(any_character(store_, CodePoints{{0, 0x10FFFF}}, Spelling::kPlain));
    if (take("(")) {
      CfgExpression inner = AQ_TRY(choice(depth + 1));
      if (!take(")")) return wrong("'(' without ')'");
      return inner;
    }
    if (is_name(text_[at_])) return call(rule_of(AQ_TRY(read_name())));
    if (text_[at_] == '<') return wrong("tokens by name or number cannot be enforced");
    return wrong("unexpected '" + std::string(1, text_[at_]) + "'");
  }

  static void append(std::string& out, std::uint32_t cp) {
    if (cp < 0x80) {
      out += static_cast<char>(cp);
      return;
    }
    const int more = cp < 0x800 ? 1 : cp < 0x10000 ? 2 : 3;
    static constexpr unsigned kLead[] = {0, 0xC0, 0xE0, 0xF0};
    out += static_cast<char>(kLead[more] | cp >> (6 * more));
    for (int i = more; i-- > 0;) out += static_cast<char>(0x80 | (cp >> (6 * i) & 63));
  }

  Result<std::uint32_t> character() {
    if (!take("\\")) {
      const std::size_t length = utf8_length(text_.substr(at_));
      if (length == 0) return wrong("invalid UTF-8");
      const auto lead = static_cast<unsigned char>(text_[at_]);
      std::uint32_t cp = length == 1 ? lead : lead & (0x7Fu >> length);
      for (std::size_t i = 1; i < length; ++i)
        cp = cp << 6 | (static_cast<unsigned char>(text_[at_ + i]) & 63);
      at_ += length;
      return cp;
    }
    if (at_ == text_.size()) return wrong("a backslash at the end");
    const char c = text_[at_++];
    switch (c) {
      case 'n':
        return '\n';
      case 't':
        return '\t';
      case 'r':
        return '\r';
      case '\\':
      case '"':
      case '[':
      case ']':
        return static_cast<unsigned char>(c);
      case 'x':
        return hex(2);
      case 'u':
        return hex(4);
      case 'U':
        return hex(8);
      default:
        return wrong("an unknown escape");
    }
  }

  Result<std::uint32_t> hex(int digits) {
    std::uint32_t value = 0;
    for (int i = 0; i < digits; ++i, ++at_) {
      const char c = at_ < text_.size() ? text_[at_] : ' ';
      if (!((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f')))
        return wrong("a hexadecimal digit is missing");
      value = value << 4 | static_cast<std::uint32_t>(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
      return wrong("no Unicode character");
    return value;
  }

  Result<CfgExpression> bracket() {
    const bool negated = take("^");
    CodePoints set;
    while (!take("]")) {
      if (at_ == text_.size()) return wrong("'[' without ']'");
      const std::uint32_t low = AQ_TRY(character());
      std::uint32_t high = low;
      if (text_.substr(at_).starts_with("-") && !text_.substr(at_).starts_with("-]")) {
        ++at_;
        high = AQ_TRY(character());
      }
      if (high < low) return wrong("a range out of order");
      set.add(low, high);
    }
    set.normalise();
    return text(any_character(store_, negated ? set.complement() : set, Spelling::kPlain));
  }

  // Whether one was read.
  Result<bool> quantifier(CfgExpression& part) {
    std::uint32_t min = 0, max = kUnbounded;
    if (!mark(min, max)) {
      if (!take("{")) return false;
      if (!number(min) && !starts_with(",")) return wrong("{ without a number");
      max = min;
      if (take(",") && !number(max)) max = kUnbounded;
      if (!take("}")) return wrong("'{' without '}'");
    }
    AQ_RETURN_IF_ERROR(repeat(part, min, max));
    return true;
  }
};

}  // namespace

Result<CfgSource> parse_gbnf(std::string_view text, RegexStore& store) {
  return Parser(text, store).parse();
}

}  // namespace aquilon::constraint
