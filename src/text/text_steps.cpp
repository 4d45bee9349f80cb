#include "text/text_steps.h"

#include <utf8proc.h>

#include <algorithm>
#include <utility>

#include "text/utf8_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

constexpr std::string_view kLowLine = "\xE2\x96\x81";  // ▁
constexpr std::uint32_t kNoCharacter = 0xFFFFFFFF;     // a byte of invalid UTF-8

struct Character {
  std::uint32_t code_point;
  std::string_view bytes;
};

// Requires: text is not empty.
Character first_character(std::string_view text) {
  const Utf8Step step = utf8_step(text.data(), text.data() + text.size());
  if (step.state != Utf8State::kComplete) return {kNoCharacter, text.substr(0, 1)};
  return {step.code_point, text.substr(0, step.length)};
}

// f(character, out) appends what becomes of it.
template <class F>
std::string map_characters(std::string_view text, const F& f) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character character = first_character(text);
    f(character, out);
    text.remove_prefix(character.bytes.size());
  }
  return out;
}

// Unicode's White_Space.
bool is_space(std::uint32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

// Bytes of the grapheme cluster that `text` begins with. Requires: it is not empty.
std::size_t cluster_bytes(std::string_view text) {
  Character last = first_character(text);
  std::size_t bytes = last.bytes.size();
  utf8proc_int32_t state = 0;
  while (bytes < text.size() && last.code_point != kNoCharacter) {
    const Character next = first_character(text.substr(bytes));
    if (next.code_point == kNoCharacter ||
        utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(last.code_point),
                                         static_cast<utf8proc_int32_t>(next.code_point), &state))
      break;
    bytes += next.bytes.size();
    last = next;
  }
  return bytes;
}

void append_mapped(const Charsmap& map, std::string_view text, std::string& out) {
  std::string_view becomes = text;
  map.match_shortest(text, becomes);
  out += becomes;
}

std::string apply_charsmap(const Charsmap& map, std::string_view text) {
  constexpr std::size_t kWholeBytes = 6;  // clusters below are looked up whole
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::string_view cluster = text.substr(0, cluster_bytes(text));
    std::string_view becomes;
    if (cluster.size() < kWholeBytes && map.match_shortest(cluster, becomes) > 0) {
      out += becomes;
    } else {
      out += map_characters(cluster, [&map](const Character& character, std::string& to) {
        append_mapped(map, character.bytes, to);
      });
    }
    text.remove_prefix(cluster.size());
  }
  return out;
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (std::size_t at = text.find(from); at != text.npos; at = text.find(from)) {
    out.append(text.substr(0, at)).append(to);
    text.remove_prefix(at + from.size());
  }
  return out.append(text);
}

std::string spaces_replaced(std::string_view text, std::string_view to) {
  std::string out;
  while (!text.empty()) {
    const std::size_t run = std::min(text.find_first_not_of(' '), text.size());
    if (run >= 2)
      out += to;
    else
      out.append(text.substr(0, run));
    text.remove_prefix(run);
    const std::size_t rest = std::min(text.find(' '), text.size());
    out.append(text.substr(0, rest));
    text.remove_prefix(rest);
  }
  return out;
}

std::string stripped(std::string_view text, bool left, bool right) {
  std::size_t begin = text.size(), end = 0, at = 0;
  while (at < text.size()) {
    const Character character = first_character(text.substr(at));
    const std::size_t next = at + character.bytes.size();
    if (!is_space(character.code_point)) {
      begin = std::min(begin, at);
      end = next;
    }
    at = next;
  }
  if (end == 0) return left || right ? std::string() : std::string(text);
  const std::size_t from = left ? begin : 0;
  return std::string(text.substr(from, (right ? end : text.size()) - from));
}

void append_code_point(std::uint32_t code_point, std::string& out) {
  utf8proc_uint8_t bytes[4];
  const auto size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code_point), bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

void append_lowercase(const Character& character, std::string& out) {
  constexpr std::uint32_t kDottedI = 0x130;  // alone becomes two characters
  if (character.code_point == kNoCharacter) {
    out += character.bytes;
  } else if (character.code_point == kDottedI) {
    out += "i\xCC\x87";
  } else {
    append_code_point(static_cast<std::uint32_t>(
                          utf8proc_tolower(static_cast<utf8proc_int32_t>(character.code_point))),
                      out);
  }
}

void append_nmt(const Character& character, std::string& out) {
  const std::uint32_t c = character.code_point;
  const bool control = (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) ||
                       c == 0x7F || c == 0x8F || c == 0x9F;
  const bool space = c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
                     (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
                     c == 0xFEFF || c == 0xFFFD;
  if (space)
    out.push_back(' ');
  else if (!control)
    out += character.bytes;
}

std::string words_marked(std::string_view text) {
  bool inside = false;
  return map_characters(text, [&inside](const Character& character, std::string& to) {
    if (is_space(character.code_point)) {
      inside = false;
      return;
    }
    if (!inside && character.bytes != kLowLine) to += kLowLine;
    inside = true;
    to += character.bytes;
  });
}

}  // namespace

TextStep charsmap_step(Charsmap map) {
  return [map = std::move(map)](std::string_view text) { return apply_charsmap(map, text); };
}

TextStep form_step(NormalForm form) {
  return [form](std::string_view text) { return to_normal_form(text, form); };
}

TextStep replace_step(std::string from, std::string to) {
  return [from = std::move(from), to = std::move(to)](std::string_view text) {
    return replaced(text, from, to);
  };
}

TextStep replace_spaces_step(std::string to) {
  return [to = std::move(to)](std::string_view text) { return spaces_replaced(text, to); };
}

TextStep strip_step(bool left, bool right) {
  return [left, right](std::string_view text) { return stripped(text, left, right); };
}

TextStep prepend_step(std::string front) {
  return [front = std::move(front)](std::string_view text) {
    return text.empty() ? std::string() : front + std::string(text);
  };
}

TextStep lowercase_step() {
  return [](std::string_view text) { return map_characters(text, append_lowercase); };
}

TextStep strip_accents_step() {
  return [](std::string_view text) {
    return map_characters(text, [](const Character& character, std::string& out) {
      const bool mark = character.code_point != kNoCharacter &&
                        utf8proc_category(static_cast<utf8proc_int32_t>(character.code_point)) ==
                            UTF8PROC_CATEGORY_MN;
      if (!mark) out += character.bytes;
    });
  };
}

TextStep nmt_step() {
  return [](std::string_view text) { return map_characters(text, append_nmt); };
}

TextStep mark_words_step() {
  return words_marked;
}

}  // namespace aquilon::text
