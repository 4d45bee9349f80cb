#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <vector>

#include "chat/jinja/unicode_internal.h"

namespace aquilon::chat::jinja {
namespace {

utf8proc_category_t category(std::int32_t code_point) {
  return utf8proc_category(code_point);
}

// Characters whose full case mapping has more than one character, beyond what utf8proc maps singly.
struct Expansion {
  std::int32_t from;
  std::string_view upper;
  std::string_view title;
};
constexpr std::array<Expansion, 13> kExpansions = {{
    {0x00DF, "SS", "Ss"},
    {0x0149, "\u02BCN", "\u02BCN"},
    {0x01F0, "J\u030C", "J\u030C"},
    {0x0390, "\u0399\u0308\u0301", "\u0399\u0308\u0301"},
    {0x03B0, "\u03A5\u0308\u0301", "\u03A5\u0308\u0301"},
    {0x0587, "\u0535\u0552", "\u0535\u0582"},
    {0x1E96, "H\u0331", "H\u0331"},
    {0xFB00, "FF", "Ff"},
    {0xFB01, "FI", "Fi"},
    {0xFB02, "FL", "Fl"},
    {0xFB03, "FFI", "Ffi"},
    {0xFB04, "FFL", "Ffl"},
    {0xFB06, "ST", "St"},
}};

const Expansion* expansion_of(std::int32_t code_point) {
  const auto* found = std::find_if(kExpansions.begin(), kExpansions.end(),
                                   [&](const Expansion& e) { return e.from == code_point; });
  return found == kExpansions.end() ? nullptr : found;
}

std::string encoded(std::int32_t code_point) {
  std::string out;
  append_utf8(out, code_point);
  return out;
}

}  // namespace

CodePoint decode_at(std::string_view text, std::size_t offset) {
  const auto byte = static_cast<unsigned char>(text[offset]);
  if (byte < 0x80) return {byte, 1};
  utf8proc_int32_t value = -1;
  const auto left = static_cast<utf8proc_ssize_t>(std::min<std::size_t>(text.size() - offset, 4));
  const utf8proc_ssize_t used = utf8proc_iterate(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data() + offset), left, &value);
  if (used <= 0) return {-1, 1};
  return {value, static_cast<std::size_t>(used)};
}

std::size_t last_character(std::string_view text) {
  std::size_t begin = text.size() - 1;
  const std::size_t lowest = text.size() > 4 ? text.size() - 4 : 0;
  while (begin > lowest && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  return decode_at(text, begin).size == text.size() - begin ? begin : text.size() - 1;
}

void append_utf8(std::string& out, std::int32_t code_point) {
  std::array<utf8proc_uint8_t, 4> buffer;
  const utf8proc_ssize_t size = utf8proc_encode_char(code_point, buffer.data());
  out.append(reinterpret_cast<const char*>(buffer.data()), static_cast<std::size_t>(size));
}

std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at += decode_at(text, at).size) ++count;
  return count;
}

std::size_t offset_of_character(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  for (; index > 0 && at < text.size(); --index) at += decode_at(text, at).size;
  return at;
}

bool is_space(std::int32_t c) {
  if (c <= 0x20) return c == 0x20 || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_printable(std::int32_t c) {
  if (c == ' ') return true;
  if (c < 0) return false;
  switch (category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return true;
  }
}

bool is_alpha(std::int32_t c) {
  if (c < 0) return false;
  const utf8proc_category_t k = category(c);
  return k == UTF8PROC_CATEGORY_LU || k == UTF8PROC_CATEGORY_LL || k == UTF8PROC_CATEGORY_LT ||
         k == UTF8PROC_CATEGORY_LM || k == UTF8PROC_CATEGORY_LO;
}

bool is_decimal(std::int32_t c) {
  return c >= 0 && category(c) == UTF8PROC_CATEGORY_ND;
}

bool is_digit(std::int32_t c) {
  const bool superscript = c == 0xB2 || c == 0xB3 || c == 0xB9 || c == 0x2070 ||
                           (c >= 0x2074 && c <= 0x2079) || (c >= 0x2080 && c <= 0x2089);
  return superscript || is_decimal(c);
}

bool is_numeric(std::int32_t c) {
  if (c < 0) return false;
  const utf8proc_category_t k = category(c);
  return k == UTF8PROC_CATEGORY_ND || k == UTF8PROC_CATEGORY_NL || k == UTF8PROC_CATEGORY_NO;
}

bool is_upper(std::int32_t c) {
  return c >= 0 && utf8proc_isupper(c);
}
bool is_lower(std::int32_t c) {
  return c >= 0 && utf8proc_islower(c);
}
bool is_title(std::int32_t c) {
  return c >= 0 && category(c) == UTF8PROC_CATEGORY_LT;
}

bool all_cased(std::string_view text, bool upper) {
  bool any = false;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_at(text, at);
    if (is_title(c.value) || (upper ? is_lower(c.value) : is_upper(c.value))) return false;
    any = any || (upper ? is_upper(c.value) : is_lower(c.value));
    at += c.size;
  }
  return any;
}

std::string to_upper(std::string_view character) {
  const CodePoint c = decode_at(character, 0);
  if (c.value < 0) return std::string(character);
  if (const Expansion* e = expansion_of(c.value)) return std::string(e->upper);
  return encoded(utf8proc_toupper(c.value));
}

std::string to_lower(std::string_view character) {
  const CodePoint c = decode_at(character, 0);
  if (c.value < 0) return std::string(character);
  if (c.value == 0x0130) return "i\u0307";
  return encoded(utf8proc_tolower(c.value));
}

std::string to_title(std::string_view character) {
  const CodePoint c = decode_at(character, 0);
  if (c.value < 0) return std::string(character);
  if (const Expansion* e = expansion_of(c.value)) return std::string(e->title);
  return encoded(utf8proc_totitle(c.value));
}

namespace {

template <class Unwanted>
Bounds strip_if(std::string_view text, bool left, bool right, const Unwanted& unwanted) {
  Bounds bounds{0, text.size()};
  while (left && bounds.begin < bounds.end) {
    const CodePoint c = decode_at(text, bounds.begin);
    if (!unwanted(text.substr(bounds.begin, c.size), c.value)) break;
    bounds.begin += c.size;
  }
  while (right && bounds.begin < bounds.end) {
    const std::string_view rest = text.substr(bounds.begin, bounds.end - bounds.begin);
    const std::size_t last = last_character(rest);
    if (!unwanted(rest.substr(last), decode_at(rest, last).value)) break;
    bounds.end = bounds.begin + last;
  }
  return bounds;
}

}  // namespace

Bounds strip_bounds(std::string_view text, bool left, bool right) {
  return strip_if(text, left, right,
                  [](std::string_view, std::int32_t value) { return is_space(value); });
}

Bounds strip_bounds(std::string_view text, std::string_view chars, bool left, bool right) {
  std::vector<std::string_view> unwanted;
  for (std::size_t at = 0; at < chars.size();) {
    const std::size_t size = decode_at(chars, at).size;
    unwanted.push_back(chars.substr(at, size));
    at += size;
  }
  std::sort(unwanted.begin(), unwanted.end());
  return strip_if(text, left, right, [&](std::string_view character, std::int32_t) {
    return std::binary_search(unwanted.begin(), unwanted.end(), character);
  });
}

}  // namespace aquilon::chat::jinja
