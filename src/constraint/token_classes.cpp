#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "constraint/token_classes_internal.h"

namespace aquilon::constraint {
namespace {

// Kinds as patterns use to tell bytes apart.
constexpr std::string_view kGroups[] = {"abcdef",     "ghijklmnopqrstuvwxyz",
                                        "ABCDEF",     "GHIJKLMNOPQRSTUVWXYZ",
                                        "0123456789", " ",
                                        "-",          "_",
                                        ".",          "/",
                                        ":",          ",",
                                        "#",          "@",
                                        "+",          "*",
                                        "()",         "[]",
                                        "{}",         "<>",
                                        "!?",         "%&=",
                                        ";'|^~`$",    "\"\\",
                                        "\t\n\r"};  // and all others
static_assert(std::size(kGroups) == kAsciiKinds - 1);

constexpr std::array<unsigned char, 128> kind_table() {
  std::array<unsigned char, 128> table{};
  for (unsigned char& kind : table) kind = kAsciiKinds - 1;
  for (unsigned kind = 0; kind < std::size(kGroups); ++kind)
    for (const char c : kGroups[kind])
      table[static_cast<unsigned char>(c)] = static_cast<unsigned char>(kind);
  return table;
}
constexpr std::array<unsigned char, 128> kKinds = kind_table();

constexpr CodePointSpan kOtherSpaces[] = {{0x85, 0x85},     {0xA0, 0xA0},     {0x1680, 0x1680},
                                          {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F},
                                          {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};

// Of a whole character beyond ASCII.
ByteKinds kind_of(std::string_view character) {
  std::uint32_t cp = static_cast<unsigned char>(character[0]) & (0x7Fu >> character.size());
  for (const char c : character.substr(1)) cp = cp << 6 | (static_cast<unsigned char>(c) & 63);
  for (const CodePointSpan& span : kOtherSpaces)
    if (cp >= span.low && cp <= span.high) return kNoCharacters;
  return kOtherCharacters;
}

ByteKinds kinds_of(std::string_view text) {
  if (text.empty()) return kNoCharacters;
  ByteKinds kinds = 0;
  if (text[0] == ' ') {
    kinds = kLeadingSpace;
    text.remove_prefix(1);
  }
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text[0]);
    if (byte < 0x80) {
      kinds |= 1u << kKinds[byte];
      text.remove_prefix(1);
      continue;
    }
    // Unfinished characters are left to the walk: they may become any.
    const std::size_t length = utf8_length(text);
    if (length == 0) return kinds | kNoCharacters;
    kinds |= kind_of(text.substr(0, length));
    text.remove_prefix(length);
  }
  return kinds;
}

}  // namespace

unsigned ascii_kind(unsigned char byte) {
  return kKinds[byte];
}

std::span<const CodePointSpan> other_spaces() {
  return kOtherSpaces;
}

TokenClasses::TokenClasses(const std::vector<std::string>& tokens, const TokenTree& all) {
  const auto length = [](std::size_t bytes) {
    return static_cast<std::uint8_t>(std::min<std::size_t>(bytes, KindTexts::kAnyLength));
  };
  tokens_.assign((tokens.size() + 63) / 64 * 64, kNoCharacters);
  bytes_.assign(tokens_.size(), 0);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    tokens_[i] = kinds_of(tokens[i]);
    bytes_[i] = length(tokens[i].size());
  }
  const std::size_t n = all.nodes.size();
  below_.assign(n, 0);
  longest_.assign(n, 0);
  std::vector<std::uint32_t> parents(n), path(all.max_depth + 1);
  for (std::uint32_t i = 0; i < n; ++i) {
    const TokenTree::Node& node = all.nodes[i];
    path[node.depth] = i;
    parents[i] = node.depth == 1 ? i : path[node.depth - 1];
    longest_[i] = length(node.depth);
    if (node.token >= 0) below_[i] = tokens_[static_cast<std::size_t>(node.token)];
  }
  for (std::size_t i = n; i-- > 0;) {
    below_[parents[i]] |= below_[i];
    longest_[parents[i]] = std::max(longest_[parents[i]], longest_[i]);
  }
}

void TokenClasses::mask_of(const KindTexts& texts, std::span<MaskWord> mask) const {
  const ByteKinds others = ~texts.kinds;
  for (std::size_t word = 0; word < mask.size(); ++word) {
    const ByteKinds* const tokens = tokens_.data() + word * 64;
    const std::uint8_t* const bytes = bytes_.data() + word * 64;
    MaskWord bits = 0;
    for (unsigned i = 0; i < 64; ++i)
      bits |= static_cast<MaskWord>((tokens[i] & others) == 0 && bytes[i] <= texts.length) << i;
    mask[word] = bits;
  }
}

}  // namespace aquilon::constraint
