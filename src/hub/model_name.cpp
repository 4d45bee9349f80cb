#include "hub/model_name.h"

#include <algorithm>
#include <iterator>

namespace aquilon::hub {
namespace {

constexpr std::size_t kMaxNameBytes = 96;
constexpr std::size_t kMaxFileNameBytes = 200;
constexpr std::size_t kMaxSelectorBytes = 400;

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_alnum(char c) {
  return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}
char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// One part of a repository's or file's path: no separators, no control bytes, not "." or "..".
bool is_path_part(std::string_view part) {
  return !part.empty() && part.front() != '.' && std::all_of(part.begin(), part.end(), [](char c) {
    return is_alnum(c) || c == '.' || c == '_' || c == '-' || c == '+';
  });
}

bool is_path(std::string_view path) {
  while (true) {
    const std::size_t slash = path.find('/');
    if (!is_path_part(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

bool is_model_name(std::string_view text) {
  if (text.empty() || text.size() > kMaxNameBytes || !is_lower_or_digit(text.front())) return false;
  if (text.find("..") != std::string_view::npos) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_lower_or_digit(c) || c == '.' || c == '_' || c == '-';
  });
}

bool is_gguf_file_name(std::string_view text) {
  return text.ends_with(".gguf") && text.size() > 5 && is_model_file_name(text);
}

bool is_model_file_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxFileNameBytes && text != "manifest.json" &&
         is_alnum(text.front()) && is_path_part(text);
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::optional<HubReference> parse_hub_reference(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view repo = text.substr(0, colon);
  const bool two_parts = std::count(repo.begin(), repo.end(), '/') == 1;
  if (!two_parts || repo.size() > 2 * kMaxNameBytes || !is_path(repo)) return std::nullopt;
  if (colon == std::string_view::npos) return HubReference{std::string(repo), ""};
  const std::string_view selector = text.substr(colon + 1);
  if (selector.size() > kMaxSelectorBytes || !is_path(selector)) return std::nullopt;
  return HubReference{std::string(repo), std::string(selector)};
}

std::string store_name(std::string_view repo, std::string_view quant) {
  std::string name(repo.substr(repo.find('/') + 1));
  std::transform(name.begin(), name.end(), name.begin(), to_lower);
  for (const std::string_view suffix : {"-gguf", "_gguf", ".gguf"})
    if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
  if (!quant.empty()) {
    name += '-';
    std::transform(quant.begin(), quant.end(), std::back_inserter(name), to_lower);
  }
  std::replace(name.begin(), name.end(), '+', '-');
  if (name.size() > kMaxNameBytes) name.resize(kMaxNameBytes);
  return name;
}

}  // namespace aquilon::hub
