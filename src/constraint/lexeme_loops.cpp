#include <algorithm>
#include <array>

#include "constraint/lexeme_loops_internal.h"

namespace aquilon::constraint {
namespace {

constexpr std::size_t kMaxPlaces = 96;
constexpr std::size_t kMostWork = 50'000;  // derivatives; some 3 ms
constexpr unsigned kLongest = 24;          // bytes: longer tokens are few
constexpr unsigned kShortest = 4;
constexpr int kFewKinds = 3, kFewBytes = 26;  // there are few tokens of so few

std::array<std::vector<unsigned char>, kAsciiKinds> bytes_by_kind() {
  std::array<std::vector<unsigned char>, kAsciiKinds> bytes;
  for (unsigned byte = 0; byte < 0x80; ++byte)
    bytes[ascii_kind(static_cast<unsigned char>(byte))].push_back(static_cast<unsigned char>(byte));
  return bytes;
}

std::span<const unsigned char> bytes_of(unsigned kind) {
  static const auto bytes = bytes_by_kind();
  return bytes[kind];
}

constexpr ByteKinds kAllAscii = (1u << kAsciiKinds) - 1;

ByteKinds kind_of(char byte) {
  return 1u << ascii_kind(static_cast<unsigned char>(byte));
}

ByteKinds letters() {
  return kind_of('a') | kind_of('z') | kind_of('A') | kind_of('Z');
}

}  // namespace

KindTexts LexemeLoops::of(RegexId lexeme, bool may_end) {
  if (store_.first(lexeme).count() < kFewBytes) return {};
  const auto known = known_[may_end].find(lexeme);
  if (known != known_[may_end].end()) return known->second;
  may_end_ = may_end;
  work_before_ = store_.meter().left();
  // Spaces, and other characters than letters and digits, may lead to many more places.
  for (const ByteKinds tried : {kAllAscii & ~kind_of(' '), letters() | kind_of('0')}) {
    texts_.kinds = tried;
    bool whole = false;
    do {  // again without what was dropped: places that it alone led to are none any more
      whole = follow_from(lexeme);
    } while (whole && dropped_ && __builtin_popcount(texts_.kinds) >= kFewKinds);
    if (costly()) return {};
    if (whole) break;
    texts_ = {};
  }
  if (__builtin_popcount(texts_.kinds) < kFewKinds) return {};
  allow_spaces(lexeme);
  allow_other_characters();
  if (costly()) return {};
  if (texts_.length == KindTexts::kAnyLength && (texts_.kinds & kind_of(' ')) != 0)
    for (const Place& place : places_) known_[may_end].emplace(place.state, texts_);
  return texts_;
}

bool LexemeLoops::follow_from(RegexId lexeme) {
  texts_.length = KindTexts::kAnyLength;
  dropped_ = false;
  places_.clear();
  depths_.clear();
  return visit({lexeme, 0, 0}) && follow(0);
}

bool LexemeLoops::visit(const Place& place) {
  const auto [at, inserted] = depths_.try_emplace(place.state, place.depth);
  if (!inserted && at->second <= place.depth) return true;
  at->second = place.depth;
  places_.push_back(place);
  return places_.size() <= kMaxPlaces;
}

bool LexemeLoops::follow(std::size_t begin) {
  for (std::size_t i = begin; i < places_.size() && !dropped_; ++i) {
    const Place from = places_[i];
    if (from.depth >= kLongest && texts_.length > kLongest) texts_.length = kLongest;
    for (unsigned kind = 0; kind < kAsciiKinds && from.depth < texts_.length && !dropped_; ++kind)
      if ((texts_.kinds >> kind & 1) != 0 && !follow_kind(from, kind)) return false;
  }
  return !costly();
}

bool LexemeLoops::costly() const {
  return work_before_ - store_.meter().left() > kMostWork || store_.exhausted();
}

bool LexemeLoops::follow_kind(const Place& from, unsigned kind) {
  const std::span<const unsigned char> bytes = bytes_of(kind);
  for (const unsigned char byte : bytes) {
    if (costly()) return false;
    if (goes_on(store_.next(from.state, byte))) continue;
    exclude(from, 1u << kind);
    return true;
  }
  for (const unsigned char byte : bytes)
    if (!visit({store_.next(from.state, byte), from.depth + 1, 1u << kind})) return false;
  return true;
}

// A kind ends the lexeme there. Most tokens are of letters: what leads to where these end goes
// before them.
void LexemeLoops::exclude(const Place& from, ByteKinds kind) {
  const ByteKinds common = letters() | kind_of('0');
  if ((kind & common) != 0 && from.depth > 0 && (from.kind & common) == 0) {
    texts_.kinds &= ~from.kind;
  } else if ((kind & letters()) != 0 && from.depth >= kShortest) {
    texts_.length = static_cast<std::uint8_t>(from.depth);
    return;
  } else {
    texts_.kinds &= ~kind;
  }
  dropped_ = from.depth > 0;
}

// Spaces anywhere where they lead to no other places, else one in front.
void LexemeLoops::allow_spaces(RegexId lexeme) {
  const bool anywhere = std::all_of(depths_.begin(), depths_.end(), [&](const auto& place) {
    if (place.second >= texts_.length) return true;
    const auto behind = depths_.find(store_.next(place.first, ' '));
    return behind != depths_.end() && behind->second <= place.second + 1;
  });
  if (anywhere) {
    texts_.kinds |= kind_of(' ') | kLeadingSpace;
    return;
  }
  const RegexId behind = store_.next(lexeme, ' ');
  if (!goes_on(behind)) return;
  const KindTexts before = texts_;
  const std::size_t begin = places_.size();
  if (visit({behind, 1, kind_of(' ')}) && follow(begin) && !dropped_ && texts_ == before) {
    texts_.kinds |= kLeadingSpace;
    return;
  }
  texts_ = before;
  follow_from(lexeme);
}

void LexemeLoops::allow_other_characters() {
  if (other_characters_ == kNothing) {
    CodePoints spaces;
    for (const CodePointSpan& span : other_spaces()) spaces.add(span.low, span.high);
    spaces.add(0, 0x7F);
    spaces.normalise();
    other_characters_ = any_character(store_, spaces.complement(), Spelling::kPlain);
  }
  if (others_stay()) texts_.kinds |= kOtherCharacters;
}

// Whether every such character leads from each place to one that is there already, no deeper than
// the next.
bool LexemeLoops::others_stay() {
  struct Pair {
    RegexId character, state;  // what is left of the character
    unsigned depth;            // where it began
  };
  std::vector<Pair> pairs;
  std::unordered_map<std::uint64_t, unsigned> seen;  // least depth
  const auto add = [&](const Pair& pair) {
    const auto [at, inserted] =
        seen.try_emplace(std::uint64_t{pair.character} << 32 | pair.state, pair.depth);
    if (!inserted && at->second <= pair.depth) return;
    at->second = pair.depth;
    pairs.push_back(pair);
  };
  for (const auto& [state, depth] : depths_)
    if (depth < texts_.length) add({other_characters_, state, depth});
  bool stays = true;
  for (std::size_t i = 0; i < pairs.size() && stays; ++i) {
    const Pair from = pairs[i];
    store_.first(from.character).each([&](unsigned value) {
      const auto byte = static_cast<unsigned char>(value);
      const RegexId character = store_.next(from.character, byte);
      if (!stays || character == kNothing) return;
      const RegexId state = store_.next(from.state, byte);
      stays = goes_on(state) && !costly();
      if (!stays) return;
      if (character != kEmptyText) return add({character, state, from.depth});
      const auto place = depths_.find(state);
      stays = place != depths_.end() && place->second <= from.depth + 1;
    });
  }
  return stays;
}

}  // namespace aquilon::constraint
