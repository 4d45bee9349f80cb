#include <algorithm>

#include "constraint/code_points_internal.h"

namespace aquilon::constraint {
namespace {

constexpr std::uint32_t kLast = 0x10FFFF;

struct Utf8 {
  unsigned char bytes[4];
  int length;
};

Utf8 encode(std::uint32_t cp) {
  const auto byte = [](std::uint32_t value) { return static_cast<unsigned char>(value); };
  if (cp < 0x80) return {{byte(cp)}, 1};
  if (cp < 0x800) return {{byte(0xC0 | cp >> 6), byte(0x80 | (cp & 63))}, 2};
  if (cp < 0x10000)
    return {{byte(0xE0 | cp >> 12), byte(0x80 | (cp >> 6 & 63)), byte(0x80 | (cp & 63))}, 3};
  return {{byte(0xF0 | cp >> 18), byte(0x80 | (cp >> 12 & 63)), byte(0x80 | (cp >> 6 & 63)),
           byte(0x80 | (cp & 63))},
          4};
}

// One sequence of byte ranges for code points of one length whose trailing bytes are free or equal.
void add_utf8(RegexStore& store, std::uint32_t low, std::uint32_t high, std::vector<RegexId>& out) {
  for (const std::uint32_t end : {0x7Fu, 0x7FFu, 0xFFFFu}) {
    if (low <= end && high > end) {
      add_utf8(store, low, end, out);
      add_utf8(store, end + 1, high, out);
      return;
    }
  }
  const int length = encode(low).length;
  for (int i = 1; i < length; ++i) {
    const std::uint32_t tail = (1u << (6 * i)) - 1;
    if ((low & ~tail) == (high & ~tail)) continue;
    if ((low & tail) != 0) {
      add_utf8(store, low, low | tail, out);
      add_utf8(store, (low | tail) + 1, high, out);
      return;
    }
    if ((high & tail) != tail) {
      add_utf8(store, low, (high & ~tail) - 1, out);
      add_utf8(store, high & ~tail, high, out);
      return;
    }
  }
  const Utf8 first = encode(low), last = encode(high);
  RegexId id = kEmptyText;
  for (int i = length; i-- > 0;)
    id = store.concat(store.bytes(ByteSet::of(first.bytes[i], last.bytes[i])), id);
  out.push_back(id);
}

RegexId short_escape(RegexStore& store, unsigned char letter) {
  return store.concat(store.byte('\\'), store.byte(letter));
}

constexpr std::string_view kHex = "0123456789abcdef";

// The letter of a short escape; 0 where there is none.
char escape_letter(std::uint32_t cp) {
  switch (cp) {
    case '"':
      return '"';
    case '\\':
      return '\\';
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 0;
  }
}

}  // namespace

void CodePoints::normalise() {
  std::vector<CodePointRange> pieces;
  for (const CodePointRange& range : ranges_) {
    if (range.low < 0xD800) pieces.push_back({range.low, std::min(range.high, 0xD7FFu)});
    if (range.high > 0xDFFF)
      pieces.push_back({std::max(range.low, 0xE000u), std::min(range.high, kLast)});
  }
  std::sort(pieces.begin(), pieces.end(),
            [](const auto& a, const auto& b) { return a.low < b.low; });
  ranges_.clear();
  for (const CodePointRange& piece : pieces) {
    if (piece.low > piece.high) continue;
    if (!ranges_.empty() && piece.low <= ranges_.back().high + 1)
      ranges_.back().high = std::max(ranges_.back().high, piece.high);
    else
      ranges_.push_back(piece);
  }
}

CodePoints CodePoints::complement() const {
  CodePoints result;
  std::uint32_t next = 0;
  for (const CodePointRange& range : ranges_) {
    if (range.low > next) result.add(next, range.low - 1);
    next = range.high + 1;
  }
  if (next <= kLast) result.add(next, kLast);
  result.normalise();
  return result;
}

RegexId any_character(RegexStore& store, const CodePoints& set, Spelling spelling) {
  std::vector<RegexId> ways;
  ByteSet ascii;
  for (const CodePointRange& range : set.ranges()) {
    for (std::uint32_t cp = range.low; cp <= range.high && cp < 0x80; ++cp) {
      if (spelling == Spelling::kPlain || (cp >= 0x20 && cp != '"' && cp != '\\')) {
        ascii.add(cp);
      } else if (const char letter = escape_letter(cp)) {
        ways.push_back(short_escape(store, static_cast<unsigned char>(letter)));
      } else {
        std::string escape = "\\u00";
        escape += kHex[cp >> 4];
        escape += kHex[cp & 15];
        ways.push_back(store.literal(escape));
      }
    }
    if (range.high >= 0x80) add_utf8(store, std::max(range.low, 0x80u), range.high, ways);
  }
  ways.push_back(store.bytes(ascii));
  return store.any_of(std::move(ways));
}

std::string json_spelling(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (const char letter = escape_letter(byte)) {
      out += '\\';
      out += letter;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out;
}

JsonStrings::JsonStrings(RegexStore& store) {
  one = any_character(store, CodePoints{{0, kLast}}, Spelling::kJson);
  const RegexId raw =
      any_character(store, CodePoints{{0x20, 0x21}, {0x23, 0x5B}, {0x5D, kLast}}, Spelling::kPlain);
  ByteSet letters, digits = ByteSet::of('0', '9');
  for (const char letter : {'"', '\\', '/', 'b', 'f', 'n', 'r', 't'})
    letters.add(static_cast<unsigned char>(letter));
  digits |= ByteSet::of('a', 'f');
  digits |= ByteSet::of('A', 'F');
  const RegexId hex = store.bytes(digits);
  const auto set = [&](std::string_view members) {
    ByteSet s;
    for (const char c : members) s.add(static_cast<unsigned char>(c));
    return store.bytes(s);
  };
  const RegexId two = store.repeat(hex, 2, 2), three = store.repeat(hex, 3, 3);
  const RegexId d = set("dD");
  ByteSet other = digits;
  other &= ~ByteSet::of('d', 'd');
  other &= ~ByteSet::of('D', 'D');
  const RegexId high = store.concat(d, store.concat(set("89abAB"), two));
  const RegexId low = store.concat(d, store.concat(set("cdefCDEF"), two));
  const RegexId unit = store.any_of({store.concat(store.bytes(other), three),
                                     store.concat(d, store.concat(set("01234567"), two)),
                                     store.concat(high, store.concat(store.literal("\\u"), low))});
  const RegexId escape = store.concat(
      store.byte('\\'), store.either(store.bytes(letters), store.concat(store.byte('u'), unit)));
  any = store.either(raw, escape);
  one_text = store.star(one);
  any_text = store.star(any);
  quote = store.byte('"');
}

}  // namespace aquilon::constraint
