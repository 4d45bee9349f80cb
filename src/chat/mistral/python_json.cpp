#include "chat/mistral/python_json.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <unordered_map>
#include <vector>

#include "chat/jinja/format_internal.h"  // float_repr

namespace aquilon::chat::mistral {
namespace {

constexpr int kMaxDepth = 512;

// The escape of a character of a text, or null where it stands for itself.
const char* short_escape(char c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\f':
      return "\\f";
    case '\b':
      return "\\b";
    default:
      return nullptr;
  }
}

void append_escaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (const char* escape = short_escape(c)) {
      out += escape;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out.push_back(c);
    }
  }
}

std::string real_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return jinja::float_repr(value);
}

void append_utf8(std::uint32_t c, std::string& out) {
  const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xC0 | c >> 6);
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
  }
  put(0x80 | (c & 0x3F));
}

// Reads one value and writes its normal form. Every step returns false where json.loads fails.
class Normaliser {
 public:
  explicit Normaliser(std::string_view text) : rest_(text) {}

  std::optional<std::string> run() {
    skip_blanks();
    if (!value(0)) return std::nullopt;
    skip_blanks();
    if (!rest_.empty()) return std::nullopt;
    return std::move(out_);
  }

 private:
  void skip_blanks() {
    const std::size_t n = rest_.find_first_not_of(" \t\n\r");
    rest_.remove_prefix(std::min(n, rest_.size()));
  }

  bool take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  bool value(int depth) {
    if (rest_.empty()) return false;
    if (rest_.front() == '{') return depth < kMaxDepth && object(depth);
    if (rest_.front() == '[') return depth < kMaxDepth && array(depth);
    if (rest_.front() == '"') {
      std::string text;
      return string(text);
    }
    for (const std::string_view word : {"null", "true", "false", "NaN", "Infinity", "-Infinity"}) {
      if (!take(word)) continue;
      out_ += word;
      return true;
    }
    return number();
  }

  std::size_t digits(std::size_t at) const {
    while (at < rest_.size() && rest_[at] >= '0' && rest_[at] <= '9') ++at;
    return at;
  }

  // -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?, as much as matches.
  bool number() {
    const std::size_t first = rest_.starts_with('-') ? 1 : 0;
    std::size_t end = digits(first);
    if (end == first) return false;
    if (rest_[first] == '0') end = first + 1;
    const std::size_t whole = end;
    if (end < rest_.size() && rest_[end] == '.' && digits(end + 1) > end + 1) end = digits(end + 1);
    if (end < rest_.size() && (rest_[end] == 'e' || rest_[end] == 'E')) {
      std::size_t at = end + 1;
      if (at < rest_.size() && (rest_[at] == '-' || rest_[at] == '+')) ++at;
      if (digits(at) > at) end = digits(at);
    }
    const std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end);
    if (end == whole) {
      out_ += text == "-0" ? "0" : text;
    } else {
      out_ += real_text(std::strtod(text.c_str(), nullptr));
    }
    return true;
  }

  bool hex4(std::uint32_t& value) {
    if (rest_.size() < 4) return false;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + 4, value, 16);
    if (error != std::errc() || end != rest_.data() + 4) return false;
    rest_.remove_prefix(4);
    return true;
  }

  // Behind "\u"; half of a pair that has no other half stays escaped, since UTF-8 cannot have it.
  bool unicode_escape(std::string& text, std::string& written) {
    std::uint32_t c = 0;
    if (!hex4(c)) return false;
    if (c >= 0xD800 && c < 0xDC00 && rest_.starts_with("\\u")) {
      const std::string_view before = rest_;
      rest_.remove_prefix(2);
      std::uint32_t low = 0;
      if (hex4(low) && low >= 0xDC00 && low < 0xE000) {
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
      } else {
        rest_ = before;
      }
    }
    if (c >= 0xD800 && c < 0xE000) {
      written += fmt::format("\\u{:04x}", c);
      text += fmt::format("\\u{:04x}", c);
      return true;
    }
    std::string character;
    append_utf8(c, character);
    text += character;
    append_escaped(character, written);
    return true;
  }

  // Writes the text; `text` becomes what it says.
  bool string(std::string& text) {
    rest_.remove_prefix(1);
    std::string written = "\"";
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') {
        out_ += written += '"';
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        text.push_back(c);
        written.push_back(c);
      } else if (!escape(text, written)) {
        return false;
      }
    }
    return false;
  }

  bool escape(std::string& text, std::string& written) {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c == 'u') return unicode_escape(text, written);
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const std::size_t i = kNames.find(c);
    if (i == kNames.npos) return false;
    text.push_back(kMeanings[i]);
    append_escaped(kMeanings.substr(i, 1), written);
    return true;
  }

  bool array(int depth) {
    rest_.remove_prefix(1);
    out_.push_back('[');
    skip_blanks();
    if (!take("]")) {
      while (true) {
        skip_blanks();
        if (!value(depth + 1)) return false;
        skip_blanks();
        if (take("]")) break;
        if (!take(",")) return false;
        out_ += ", ";
      }
    }
    out_.push_back(']');
    return true;
  }

  struct Member {
    std::size_t begin, end;  // "key": value, in out_
  };

  bool object(int depth) {
    rest_.remove_prefix(1);
    const std::size_t begin = out_.size();
    out_.push_back('{');
    std::vector<Member> members;
    std::unordered_map<std::string, std::size_t> known;
    bool repeated = false;
    skip_blanks();
    if (!take("}")) {
      while (true) {
        std::string key;
        Member member{out_.size(), 0};
        skip_blanks();
        if (!rest_.starts_with('"') || !string(key)) return false;
        skip_blanks();
        if (!take(":")) return false;
        out_ += ": ";
        skip_blanks();
        if (!value(depth + 1)) return false;
        member.end = out_.size();
        const auto [at, fresh] = known.try_emplace(std::move(key), members.size());
        if (fresh) members.push_back(member);
        if (!fresh) members[at->second] = member;  // the last value, in the first place
        repeated |= !fresh;
        skip_blanks();
        if (take("}")) break;
        if (!take(",")) return false;
        out_ += ", ";
      }
    }
    out_.push_back('}');
    if (repeated) keep_members(begin, members);
    return true;
  }

  void keep_members(std::size_t begin, const std::vector<Member>& members) {
    std::string kept = "{";
    for (const Member& member : members) {
      if (kept.size() > 1) kept += ", ";
      kept.append(out_, member.begin, member.end - member.begin);
    }
    out_.replace(begin, std::string::npos, kept + "}");
  }

  std::string_view rest_;
  std::string out_;
};

void append_value(const boost::json::value& value, std::string& out) {
  switch (value.kind()) {
    case boost::json::kind::null:
      out += "null";
      return;
    case boost::json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      return;
    case boost::json::kind::int64:
      out += std::to_string(value.get_int64());
      return;
    case boost::json::kind::uint64:
      out += std::to_string(value.get_uint64());
      return;
    case boost::json::kind::double_:
      out += real_text(value.get_double());
      return;
    case boost::json::kind::string:
      out += dump_text(std::string_view(value.get_string()));
      return;
    case boost::json::kind::array:
      out.push_back('[');
      for (const boost::json::value& item : value.get_array()) {
        if (&item != &value.get_array().front()) out += ", ";
        append_value(item, out);
      }
      out.push_back(']');
      return;
    case boost::json::kind::object:
      out.push_back('{');
      for (const auto& [key, item] : value.get_object()) {
        if (out.back() != '{') out += ", ";
        out += dump_text(std::string_view(key)) + ": ";
        append_value(item, out);
      }
      out.push_back('}');
      return;
  }
}

}  // namespace

std::optional<std::string> normalise_json(std::string_view text) {
  return Normaliser(text).run();
}

std::string dump_text(std::string_view text) {
  std::string out = "\"";
  append_escaped(text, out);
  return out + '"';
}

std::string dump(const boost::json::value& value) {
  std::string out;
  append_value(value, out);
  return out;
}

}  // namespace aquilon::chat::mistral
