#include "text/piece_normalizer.h"

#include <algorithm>
#include <cstring>

#include "text/utf8_internal.h"

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

constexpr std::string_view kLowLine = "\xE2\x96\x81";  // ▁

// A unit of a Darts-clone double array.
bool has_leaf(std::uint32_t unit) {
  return (unit >> 8 & 1) != 0;
}
std::uint32_t label(std::uint32_t unit) {
  return unit & 0x800000FFu;
}
std::uint32_t offset(std::uint32_t unit) {
  return unit >> 10 << ((unit & 0x200u) >> 6);
}
std::uint32_t value(std::uint32_t unit) {
  return unit & 0x7FFFFFFFu;
}

std::size_t character_length(std::string_view text) {
  const Utf8Step step = utf8_step(text.data(), text.data() + text.size());
  return step.state == Utf8State::kComplete ? step.length : 1;
}

// One space for each run of them, none at the ends.
void squeeze_spaces(std::string& text, std::size_t begin) {
  std::size_t to = begin;
  for (std::size_t from = begin; from < text.size(); ++from) {
    if (text[from] == ' ' && (to == begin || text[to - 1] == ' ')) continue;
    text[to++] = text[from];
  }
  if (to > begin && text[to - 1] == ' ') --to;
  text.resize(to);
}

}  // namespace

Result<Charsmap> Charsmap::parse(std::string_view blob) {
  Charsmap map;
  if (blob.empty()) return map;
  std::uint32_t bytes = 0;
  if (blob.size() < sizeof bytes) return make_error(Code::kCorrupt, "the charsmap is cut off");
  std::memcpy(&bytes, blob.data(), sizeof bytes);
  blob.remove_prefix(sizeof bytes);
  if (bytes % sizeof(std::uint32_t) != 0 || bytes == 0 || bytes >= blob.size()) {
    return make_error(Code::kCorrupt, "the charsmap's trie has {} bytes, the charsmap {}", bytes,
                      blob.size());
  }
  map.units_.resize(bytes / sizeof(std::uint32_t));
  std::memcpy(map.units_.data(), blob.data(), bytes);
  map.pool_ = blob.substr(bytes);
  if (map.pool_.back() != '\0') {
    return make_error(Code::kCorrupt, "the charsmap's last text does not end");
  }
  return map;
}

std::size_t Charsmap::find(std::string_view text, bool shortest, std::string_view& becomes) const {
  std::size_t longest = 0;
  std::size_t node = offset(units_[0]);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    node ^= byte;
    if (node >= units_.size() || label(units_[node]) != byte) break;
    const std::uint32_t unit = units_[node];
    node ^= offset(unit);
    if (!has_leaf(unit)) continue;
    const std::size_t at = node < units_.size() ? value(units_[node]) : pool_.size();
    if (at >= pool_.size()) break;
    longest = i + 1;
    becomes = pool_.data() + at;  // up to its NUL
    if (shortest) break;
  }
  return longest;
}

void append_with_spaces(std::string_view text, std::string& out) {
  for (std::size_t at = text.find(kLowLine); at != text.npos; at = text.find(kLowLine)) {
    out.append(text.substr(0, at)).push_back(' ');
    text.remove_prefix(at + kLowLine.size());
  }
  out += text;
}

void PieceNormalizer::append_mapped(std::string_view text, std::string& out) const {
  std::string mapped;
  while (!text.empty()) {
    std::string_view becomes;
    std::size_t length = charsmap_.match(text, becomes);
    if (length == 0) {
      length = character_length(text);
      becomes = text.substr(0, length);
    }
    mapped += becomes;
    text.remove_prefix(length);
  }
  append_with_spaces(mapped, out);
}

void PieceNormalizer::append(std::string_view text, bool space_in_front, std::string& out) const {
  const std::size_t begin = out.size();
  if (space_in_front) out.push_back(' ');
  const std::size_t body = out.size();
  if (charsmap_.empty()) {
    append_with_spaces(text, out);
  } else {
    append_mapped(text, out);
  }
  if (remove_extra_spaces_) squeeze_spaces(out, body);
  if (out.size() == body) out.resize(begin);
}

}  // namespace aquilon::text
