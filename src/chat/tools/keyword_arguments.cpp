// Python's keyword arguments as a JSON object.
#include "chat/mistral/python_json.h"
#include "chat/tools/call_text.h"

namespace aquilon::chat {
namespace {

constexpr int kMaxDepth = 64;

void append_utf8(std::string& out, std::uint32_t cp) {
  if (cp < 0x80) {
    out += static_cast<char>(cp);
    return;
  }
  const int more = cp < 0x800 ? 1 : cp < 0x10000 ? 2 : 3;
  static constexpr unsigned kLead[] = {0, 0xC0, 0xE0, 0xF0};
  out += static_cast<char>(kLead[more] | cp >> (6 * more));
  for (int i = more; i-- > 0;) out += static_cast<char>(0x80 | (cp >> (6 * i) & 63));
}

// Each member is false where the text is not what it reads; then all of it is not.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool keywords(std::string& out) {
    out = "{";
    spaces();
    while (at_ < text_.size()) {
      const std::size_t begin = at_;
      while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
      const std::string_view name = text_.substr(begin, at_ - begin);
      if (name.empty()) return false;
      if (out.size() > 1) out += ", ";
      out += mistral::dump_text(name) + ": ";
      spaces();
      if (!take('=')) return false;
      if (!value(out, 0)) return false;
      if (!take(',') && at_ < text_.size()) return false;
      spaces();
    }
    out += '}';
    return true;
  }

 private:
  void spaces() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  bool take(char c) {
    spaces();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    const std::size_t end = at_ + word.size();
    if (end < text_.size() && is_name_char(text_[end])) return false;
    at_ = end;
    return true;
  }

  bool value(std::string& out, int depth) {
    if (depth > kMaxDepth) return false;
    spaces();
    if (at_ == text_.size()) return false;
    const char c = text_[at_];
    if (c == '\'' || c == '"') return string(out);
    if (c == '[') return list(out, ']', depth);
    if (c == '(') return list(out, ')', depth);
    if (c == '{') return dict(out, depth);
    static constexpr std::pair<std::string_view, std::string_view> kWords[] = {
        {"True", "true"}, {"False", "false"}, {"None", "null"},
        {"true", "true"}, {"false", "false"}, {"null", "null"}};
    for (const auto& [word, json] : kWords)
      if (take_word(word)) {
        out += json;
        return true;
      }
    return number(out);
  }

  bool number(std::string& out) {
    const std::size_t begin = at_;
    while (at_ < text_.size() &&
           std::string_view("+-.0123456789eE").find(text_[at_]) != std::string_view::npos)
      ++at_;
    const auto written = mistral::normalise_json(text_.substr(begin, at_ - begin));
    if (!written) return false;
    out += *written;
    return true;
  }

  // The items up to the closing bracket.
  bool list(std::string& out, char close, int depth) {
    ++at_;
    out += '[';
    for (bool first = true; !take(close); first = false) {
      if (!first && !take(',')) return false;
      if (!first && take(close)) break;  // a comma behind the last one
      if (!first) out += ", ";
      if (!value(out, depth + 1)) return false;
    }
    out += ']';
    return true;
  }

  bool dict(std::string& out, int depth) {
    ++at_;
    out += '{';
    for (bool first = true; !take('}'); first = false) {
      if (!first && !take(',')) return false;
      if (!first && take('}')) break;
      if (!first) out += ", ";
      spaces();
      if (at_ == text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) return false;
      if (!string(out)) return false;
      out += ": ";
      if (!take(':') || !value(out, depth + 1)) return false;
    }
    out += '}';
    return true;
  }

  bool string(std::string& out) {
    const char quote = text_[at_++];
    std::string read;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] != '\\') {
        read += text_[at_++];
        continue;
      }
      if (++at_ == text_.size() || !escape(read)) return false;
    }
    if (at_ == text_.size()) return false;
    ++at_;
    out += mistral::dump_text(read);
    return true;
  }

  bool escape(std::string& read) {
    static constexpr std::string_view kFrom = "ntrbf\\'\"/", kTo = "\n\t\r\b\f\\'\"/";
    const char c = text_[at_++];
    const std::size_t simple = kFrom.find(c);
    if (simple != kFrom.npos) {
      read += kTo[simple];
      return true;
    }
    if (c != 'x' && c != 'u' && c != 'U') {  // as Python: a backslash like any other character
      read += '\\';
      read += c;
      return true;
    }
    std::uint32_t cp = 0;
    if (!hex(c == 'x' ? 2 : c == 'u' ? 4 : 8, cp)) return false;
    if (cp >= 0xD800 && cp < 0xDC00) {  // as JSON writes characters beyond 16 bits
      std::uint32_t low = 0;
      if (!text_.substr(at_).starts_with("\\u")) return false;
      at_ += 2;
      if (!hex(4, low) || low < 0xDC00 || low > 0xDFFF) return false;
      cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
    }
    if (cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000)) return false;
    append_utf8(read, cp);
    return true;
  }

  bool hex(int digits, std::uint32_t& value) {
    for (int i = 0; i < digits; ++i, ++at_) {
      const char c = at_ < text_.size() ? text_[at_] : ' ';
      const bool digit = c >= '0' && c <= '9';
      const char letter = static_cast<char>(c | 32);
      if (!digit && (letter < 'a' || letter > 'f')) return false;
      value = value << 4 | static_cast<std::uint32_t>(digit ? c - '0' : letter - 'a' + 10);
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<std::string> read_keywords(std::string_view text) {
  std::string out;
  if (!Reader(text).keywords(out)) return std::nullopt;
  return out;
}

}  // namespace aquilon::chat
