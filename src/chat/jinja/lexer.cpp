#include <algorithm>
#include <array>

#include "chat/jinja/lexer_internal.h"
#include "chat/jinja/string_literal_internal.h"
#include "chat/jinja/unicode_internal.h"

namespace aquilon::chat::jinja {
namespace {

constexpr std::string_view kOperators2[] = {"//", "**", "==", "!=", ">=", "<="};
constexpr std::string_view kOperators1 = "+-/*%~[](){}><=.:|,;";

bool is_digit_char(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit_char(c) || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// Newlines as "\n", and without the last one.
std::string normalised(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out += source[i];
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)) {}

  Result<std::vector<Token>> run() {
    while (at_ < source_.size()) AQ_RETURN_IF_ERROR(data_then_tag());
    add(TokenType::kEnd, "");
    return std::move(tokens_);
  }

 private:
  Status data_then_tag();
  Status comment(std::size_t begin);
  Status raw(std::size_t body);
  Status tag(std::size_t begin, bool variable);
  Status token();
  Status string_token();
  void number_token();
  Status operator_token();

  // The text before a tag whose sign is `sign`, trimmed as the sign and the rules say.
  void add_data(std::string_view text, char sign, bool variable);
  void add(TokenType type, std::string text) { tokens_.push_back({type, std::move(text), line_}); }
  // Moves to `to`, counting lines.
  void advance(std::size_t to) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    at_ = to;
  }
  std::size_t skip_space(std::size_t from) const;
  bool has(std::size_t at, std::string_view what) const {
    return std::string_view(source_).substr(at).starts_with(what);
  }
  char sign_at(std::size_t at) const {
    return at < source_.size() && (source_[at] == '-' || source_[at] == '+') ? source_[at] : 0;
  }
  // End of a closing tag like "-%}" at `at` with the whitespace that it swallows; 0: none there.
  std::size_t closing(std::size_t at, std::string_view close, bool plus, bool newline) const;
  // End of "{%- word -%}" opened at `at`; 0 when it is something else.
  std::size_t word_tag(std::size_t at, std::string_view word, bool plus, bool newline) const;

  std::string source_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;  // what came last ended with a newline
  std::vector<char> open_;     // brackets within the current tag
  std::vector<Token> tokens_;
};

std::size_t Lexer::skip_space(std::size_t from) const {
  while (from < source_.size()) {
    const CodePoint c = decode_at(source_, from);
    if (!is_space(c.value)) break;
    from += c.size;
  }
  return from;
}

std::size_t Lexer::closing(std::size_t at, std::string_view close, bool plus, bool newline) const {
  if (plus && has(at, "+") && has(at + 1, close)) return at + 1 + close.size();
  if (has(at, "-") && has(at + 1, close)) return skip_space(at + 1 + close.size());
  if (!has(at, close)) return 0;
  at += close.size();
  return newline && has(at, "\n") ? at + 1 : at;
}

std::size_t Lexer::word_tag(std::size_t at, std::string_view word, bool plus, bool newline) const {
  if (!has(at, "{%")) return 0;
  at += 2;
  if (sign_at(at)) ++at;
  at = skip_space(at);
  if (!has(at, word)) return 0;
  return closing(skip_space(at + word.size()), "%}", plus, newline);
}

void Lexer::add_data(std::string_view text, char sign, bool variable) {
  if (sign == '-') {
    text = text.substr(0, strip_bounds(text, false, true).end);
  } else if (sign != '+' && !variable) {
    const std::size_t newline = text.rfind('\n');
    const std::size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
    const Bounds rest = strip_bounds(text.substr(line_begin), true, false);
    if ((line_begin > 0 || line_starting_) && rest.begin == rest.end) {
      text = text.substr(0, line_begin);
    }
  }
  if (!text.empty()) add(TokenType::kData, std::string(text));
}

Status Lexer::data_then_tag() {
  std::size_t begin = at_;
  while (true) {
    begin = source_.find('{', begin);
    if (begin == std::string::npos || begin + 1 >= source_.size()) {
      add(TokenType::kData, source_.substr(at_));
      advance(source_.size());
      return {};
    }
    const char kind = source_[begin + 1];
    if (kind == '%' || kind == '{' || kind == '#') break;
    ++begin;
  }
  const bool variable = source_[begin + 1] == '{';
  const std::string_view text = std::string_view(source_).substr(at_, begin - at_);
  add_data(text, sign_at(begin + 2), variable);
  const std::size_t raw_body = word_tag(begin, "raw", false, false);
  advance(begin);
  if (raw_body) return raw(raw_body);
  if (source_[begin + 1] == '#') return comment(begin);
  return tag(begin, variable);
}

Status Lexer::comment(std::size_t begin) {
  std::size_t close = begin + 2 + (sign_at(begin + 2) ? 1 : 0);
  close = source_.find("#}", close);
  if (close == std::string::npos)
    return syntax_error(line_, "this comment has no end: expected #}");
  const std::size_t first = begin + 2 + (sign_at(begin + 2) ? 1 : 0);
  const bool sign = close > first && sign_at(close - 1);
  const std::size_t end = closing(sign ? close - 1 : close, "#}", true, true);
  line_starting_ = source_[end - 1] == '\n';
  advance(end);
  return {};
}

Status Lexer::raw(std::size_t body) {
  const int line = line_;
  line_starting_ = source_[body - 1] == '\n';
  advance(body);
  for (std::size_t at = body; (at = source_.find("{%", at)) != std::string::npos; at += 2) {
    const std::size_t end = word_tag(at, "endraw", true, true);
    if (end == 0) continue;
    add_data(std::string_view(source_).substr(body, at - body), sign_at(at + 2), false);
    line_starting_ = source_[end - 1] == '\n';
    advance(end);
    return {};
  }
  return syntax_error(line, "this raw block has no end: expected {% endraw %}");
}

Status Lexer::tag(std::size_t begin, bool variable) {
  const int line = line_;
  add(variable ? TokenType::kVariableBegin : TokenType::kBlockBegin, "");
  at_ = begin + 2 + (sign_at(begin + 2) ? 1 : 0);
  open_.clear();
  while (true) {
    advance(skip_space(at_));
    if (at_ >= source_.size()) {
      return syntax_error(
          line, variable ? "this {{ has no end: expected }}" : "this {% has no end: expected %}");
    }
    if (open_.empty()) {
      const std::size_t end =
          variable ? closing(at_, "}}", false, false) : closing(at_, "%}", true, true);
      if (end) {
        add(variable ? TokenType::kVariableEnd : TokenType::kBlockEnd, "");
        line_starting_ = source_[end - 1] == '\n';
        advance(end);
        return {};
      }
    }
    AQ_RETURN_IF_ERROR(token());
  }
}

Status Lexer::token() {
  const char c = source_[at_];
  if (is_digit_char(c)) {
    number_token();
    return {};
  }
  if (is_name_char(c)) {
    std::size_t end = at_;
    while (end < source_.size() && is_name_char(source_[end])) ++end;
    add(TokenType::kName, source_.substr(at_, end - at_));
    at_ = end;
    return {};
  }
  if (c == '\'' || c == '"') return string_token();
  return operator_token();
}

Status Lexer::string_token() {
  const char quote = source_[at_];
  std::size_t end = at_ + 1;
  while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
  if (end >= source_.size()) {
    return syntax_error(line_, fmt::format("this string has no end: expected {}", quote));
  }
  auto text = unescape(std::string_view(source_).substr(at_ + 1, end - at_ - 1));
  if (!text.ok()) return std::move(text).error().with_context(fmt::format("line {}", line_));
  add(TokenType::kString, *std::move(text));
  advance(end + 1);
  return {};
}

void Lexer::number_token() {
  std::size_t end = at_;
  const auto digits = [&](std::size_t from) {
    while (from < source_.size() && (is_digit_char(source_[from]) || source_[from] == '_')) ++from;
    return from;
  };
  const char kind =
      has(at_, "0") && at_ + 1 < source_.size() ? static_cast<char>(source_[at_ + 1] | 0x20) : '\0';
  if (kind == 'x' || kind == 'o' || kind == 'b') {
    end = at_ + 2;
    while (end < source_.size() && is_name_char(source_[end])) ++end;
    add(TokenType::kInteger, source_.substr(at_, end - at_));
    at_ = end;
    return;
  }
  end = digits(at_);
  bool real = false;
  const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
  if (!after_dot && has(end, ".") && end + 1 < source_.size() && is_digit_char(source_[end + 1])) {
    end = digits(end + 1);
    real = true;
  }
  if (!after_dot && end < source_.size() && (source_[end] | 0x20) == 'e') {
    const std::size_t exponent = end + 1 + (sign_at(end + 1) ? 1 : 0);
    if (exponent < source_.size() && is_digit_char(source_[exponent])) {
      end = digits(exponent);
      real = true;
    }
  }
  add(real ? TokenType::kFloat : TokenType::kInteger, source_.substr(at_, end - at_));
  at_ = end;
}

Status Lexer::operator_token() {
  const auto* two = std::find_if(std::begin(kOperators2), std::end(kOperators2),
                                 [&](std::string_view op) { return has(at_, op); });
  const std::size_t size = two == std::end(kOperators2) ? 1 : 2;
  const char c = source_[at_];
  if (size == 1 && kOperators1.find(c) == std::string_view::npos) {
    const std::string what = source_.substr(at_, decode_at(source_, at_).size);
    return syntax_error(line_, fmt::format("unexpected character '{}'", what));
  }
  if (c == '(' || c == '[' || c == '{') open_.push_back(c == '(' ? ')' : c == '[' ? ']' : '}');
  if (c == ')' || c == ']' || c == '}') {
    if (open_.empty()) return syntax_error(line_, fmt::format("unexpected '{}'", c));
    if (open_.back() != c) {
      return syntax_error(line_, fmt::format("unexpected '{}', expected '{}'", c, open_.back()));
    }
    open_.pop_back();
  }
  add(TokenType::kOperator, source_.substr(at_, size));
  at_ += size;
  return {};
}

}  // namespace

Error syntax_error(int line, std::string_view message) {
  return make_error(Code::kInvalidArgument, "line {}: {}", line, message);
}

Result<std::vector<Token>> tokenize(std::string_view source) {
  return Lexer(normalised(source)).run();
}

}  // namespace aquilon::chat::jinja
