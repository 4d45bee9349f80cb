#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "constraint/code_points_internal.h"
#include "constraint/string_tokens_internal.h"

namespace aquilon::constraint {
namespace {

using text::TokenId;

struct Ending {
  std::string_view rest;
  TokenRests::Entry entry;
};

// Reads tokens from a string's first character on.
class StringReader {
 public:
  explicit StringReader(bool any_spelling) : strings_(store_) {
    start_ = store_.concat(any_spelling ? strings_.any_text : strings_.one_text, strings_.quote);
  }

  // Where the string goes on behind the quote that ends it; npos: it does not end. -1 characters:
  // the text stands in no string.
  std::size_t read(std::string_view text, int& characters) {
    RegexId state = start_;
    characters = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      state = store_.next(state, static_cast<unsigned char>(text[i]));
      if (state == kNothing) break;
      if (store_.nullable(state)) return i + 1;
      if (state == start_) ++characters;
    }
    if (state == kNothing) characters = -1;
    if (state != kNothing && state != start_) ++characters;
    return std::string_view::npos;
  }

 private:
  RegexStore store_;
  JsonStrings strings_;
  RegexId start_;
};

void build_rests(std::vector<Ending>& endings, TokenRests& out) {
  std::sort(endings.begin(), endings.end(), [](const Ending& a, const Ending& b) {
    return a.rest != b.rest ? a.rest < b.rest : a.entry.token < b.entry.token;
  });
  out.rests.push_back({0, 0, 0, 0});
  std::vector<std::uint32_t> path{0};
  std::string_view last;
  const auto close = [&](std::size_t depth) {
    for (; path.size() > depth; path.pop_back())
      out.rests[path.back()].end = static_cast<std::uint32_t>(out.rests.size());
  };
  for (const Ending& ending : endings) {
    std::size_t shared = 0;
    while (shared < ending.rest.size() && shared < last.size() &&
           ending.rest[shared] == last[shared])
      ++shared;
    close(shared + 1);
    for (std::size_t i = shared; i < ending.rest.size(); ++i) {
      path.push_back(static_cast<std::uint32_t>(out.rests.size()));
      out.rests.push_back({0, static_cast<std::uint32_t>(out.exits.size()),
                           static_cast<std::uint16_t>(i + 1),
                           static_cast<unsigned char>(ending.rest[i])});
    }
    out.max_depth = std::max(out.max_depth, ending.rest.size());
    out.exits.push_back(ending.entry);
    last = ending.rest;
  }
  close(0);
  out.rests.push_back({0, static_cast<std::uint32_t>(out.exits.size()), 0, 0});
}

}  // namespace

StringTokens StringTokens::make(const std::vector<std::string>& tokens,
                                std::span<const TokenId> sorted, bool any_spelling) {
  StringTokens out;
  StringReader reader(any_spelling);
  std::vector<Ending> endings;
  std::string_view last;
  for (const TokenId token : sorted) {
    const std::string_view text = tokens[static_cast<std::size_t>(token)];
    if (text == last) continue;  // found through the first of the same bytes
    last = text;
    int characters = 0;
    const std::size_t end = reader.read(text, characters);
    const Entry entry{token, static_cast<std::uint32_t>(characters)};
    if (end != text.npos)
      endings.push_back({text.substr(end), entry});
    else if (characters >= 0)
      out.inside.push_back(entry);
  }
  std::stable_sort(out.inside.begin(), out.inside.end(),
                   [](const Entry& a, const Entry& b) { return a.head < b.head; });
  build_rests(endings, out);
  return out;
}

namespace {

bool may_begin(std::string_view text) {
  for (const std::string_view literal : {"true", "false", "null"})
    if (text[0] == literal[0]) return literal.starts_with(text.substr(0, 2));
  return std::string_view("{}[],:\"-0123456789").find(text[0]) != std::string_view::npos;
}

}  // namespace

SpacedTokens SpacedTokens::make(const std::vector<std::string>& tokens,
                                std::span<const TokenId> sorted) {
  SpacedTokens out;
  std::vector<Ending> endings;
  std::unordered_map<std::string_view, std::uint32_t> numbers;
  std::string_view last;
  for (const TokenId token : sorted) {
    const std::string_view text = tokens[static_cast<std::size_t>(token)];
    if (text == last) continue;
    last = text;
    const std::size_t end = std::min(text.find_first_not_of(" \t\r\n"), text.size());
    const std::string_view rest = text.substr(end);
    if (!rest.empty() && !may_begin(rest)) continue;
    const auto [space, inserted] =
        numbers.try_emplace(text.substr(0, end), static_cast<std::uint32_t>(out.spaces.size()));
    if (inserted) out.spaces.push_back(text.substr(0, end));
    endings.push_back({rest, {token, space->second}});
  }
  build_rests(endings, out);
  return out;
}

}  // namespace aquilon::constraint
