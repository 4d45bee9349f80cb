#include "api/key_mask.h"

#include <algorithm>

#include "store/key_hash.h"

namespace aquilon::api {
namespace {

constexpr std::string_view kMark = "aq-";
constexpr std::size_t kLeastLetters = 16;  // behind the mark: no word has as many

char lower(char c) {
  return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

// Of what begins like a key; 0: nothing does.
std::size_t key_size(std::string_view text) {
  for (std::size_t i = 0; i < kMark.size(); ++i)
    if (i >= text.size() || lower(text[i]) != kMark[i]) return 0;
  std::size_t size = kMark.size();
  while (size < text.size() && ((lower(text[size]) >= 'a' && lower(text[size]) <= 'z') ||
                                (text[size] >= '0' && text[size] <= '9')))
    ++size;
  return size >= kMark.size() + kLeastLetters ? size : 0;
}

}  // namespace

std::string without_keys(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = key_size(text);
    out += size > 0 ? store::key_prefix(text.substr(0, size)) + "***" : std::string(1, text[0]);
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

}  // namespace aquilon::api
