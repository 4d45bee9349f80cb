#include "text/special_tokens.h"

#include <algorithm>
#include <set>

#pragma GCC diagnostic error "-Wconversion"

namespace aquilon::text {
namespace {

using Token = SpecialTokens::Token;
using Match = SpecialTokens::Match;

std::uint8_t byte_at(std::string_view s, std::size_t i) {
  return static_cast<std::uint8_t>(s[i]);
}

// Whether [begin, end) lies within one of `ranges`.
bool within(std::span<const ByteRange> ranges, std::size_t begin, std::size_t end) {
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), begin,
                       [](std::size_t at, const ByteRange& range) { return at < range.begin; });
  return after != ranges.begin() && end <= std::prev(after)->end;
}

// Adds the matches of `token` in the parts of `text` that `taken` leaves free.
std::vector<Match> add_matches(std::string_view text, std::span<const ByteRange> trusted,
                               const Token& token, const std::vector<Match>& taken) {
  std::vector<Match> out;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= taken.size(); ++i) {
    const std::size_t end = i < taken.size() ? taken[i].begin : text.size();
    const std::string_view part = text.substr(0, end);
    for (std::size_t at = part.find(token.text, begin); at != std::string_view::npos;) {
      const std::size_t stop = at + token.text.size();
      const bool fits = token.in_any_text || within(trusted, at, stop);
      if (fits) out.push_back({at, stop, token.id});
      at = part.find(token.text, fits ? stop : at + 1);
    }
    if (i == taken.size()) break;
    out.push_back(taken[i]);
    begin = taken[i].end;
  }
  return out;
}

}  // namespace

SpecialTokens::SpecialTokens(std::vector<Token> tokens) : tokens_(std::move(tokens)) {
  std::sort(tokens_.begin(), tokens_.end(),
            [](const Token& a, const Token& b) { return a.text < b.text; });
  for (const Token& token : tokens_) {
    starts_[byte_at(token.text, 0)] = true;
    any_for_untrusted_ |= token.in_any_text;
  }
  if (std::count(starts_.begin(), starts_.end(), true) == 1) {
    only_start_ = byte_at(tokens_.front().text, 0);
  }
}

template <class F>
void SpecialTokens::for_each_at(std::string_view text, std::size_t at, F&& f) const {
  // [lo, hi) are the tokens that begin with the bytes read so far.
  auto lo = tokens_.begin();
  auto hi = tokens_.end();
  for (std::size_t depth = 0; at + depth < text.size(); ++depth) {
    const std::uint8_t next = byte_at(text, at + depth);
    lo = std::partition_point(lo, hi, [&](const Token& t) {
      return t.text.size() <= depth || byte_at(t.text, depth) < next;
    });
    hi = std::partition_point(lo, hi,
                              [&](const Token& t) { return byte_at(t.text, depth) == next; });
    if (lo == hi) return;
    if (lo->text.size() == depth + 1) f(*lo);
  }
}

const Token* SpecialTokens::longest_at(std::string_view text, std::size_t at,
                                       std::span<const ByteRange> trusted) const {
  const Token* longest = nullptr;
  for_each_at(text, at, [&](const Token& token) {
    if (token.in_any_text || within(trusted, at, at + token.text.size())) longest = &token;
  });
  return longest;
}

std::size_t SpecialTokens::next_start(std::string_view text, std::size_t at) const {
  if (only_start_ >= 0) return std::min(text.find(static_cast<char>(only_start_), at), text.size());
  while (at < text.size() && !starts_[byte_at(text, at)]) ++at;
  return at;
}

std::vector<Match> SpecialTokens::find(std::string_view text,
                                       std::span<const ByteRange> trusted) const {
  std::vector<Match> matches;
  for (std::size_t at = next_start(text, 0); at < text.size(); at = next_start(text, at)) {
    const Token* const token = longest_at(text, at, trusted);
    if (!token) {
      ++at;
      continue;
    }
    const std::size_t end = at + token->text.size();
    for (std::size_t i = next_start(text, at + 1); i < end; i = next_start(text, i + 1)) {
      const Token* const inner = longest_at(text, i, trusted);
      if (inner && inner->text.size() > token->text.size())
        return find_longest_first(text, trusted);
    }
    matches.push_back({at, end, token->id});
    at = end;
  }
  return matches;
}

std::vector<Match> SpecialTokens::find_leftmost(std::string_view text) const {
  std::vector<Match> matches;
  for (std::size_t at = next_start(text, 0); at < text.size();) {
    const Token* const token = longest_at(text, at, {});
    const std::size_t end = token ? at + token->text.size() : at + 1;
    if (token) matches.push_back({at, end, token->id});
    at = next_start(text, end);
  }
  return matches;
}

std::vector<Match> SpecialTokens::find_longest_first(std::string_view text,
                                                     std::span<const ByteRange> trusted) const {
  const auto longer = [](const Token* a, const Token* b) {
    return a->text.size() != b->text.size() ? a->text.size() > b->text.size() : a->id < b->id;
  };
  std::set<const Token*, decltype(longer)> occurring(longer);
  for (std::size_t at = next_start(text, 0); at < text.size(); at = next_start(text, at + 1)) {
    for_each_at(text, at, [&](const Token& token) { occurring.insert(&token); });
  }
  std::vector<Match> matches;
  for (const Token* token : occurring) matches = add_matches(text, trusted, *token, matches);
  return matches;
}

}  // namespace aquilon::text
