#include <algorithm>

#include "constraint/grammar_core_internal.h"
#include "constraint/mask_bits_internal.h"

namespace aquilon::constraint {
namespace {

// The tokens that `text` begins with, and those that begin with it.
template <class Visit>
void follow(const TokenTree& tree, std::string_view text, Visit visit) {
  std::uint32_t low = tree.heads[static_cast<unsigned char>(text[0])];
  if (low == TokenTree::kNoNode) return;
  std::uint32_t high = tree.nodes[low].end;
  for (std::size_t depth = 0;;) {
    while (low < high && tree.nodes[low].byte != static_cast<unsigned char>(text[depth]))
      low = tree.nodes[low].end;
    if (low >= high) return;
    high = tree.nodes[low].end;
    if (++depth == text.size()) break;
    if (tree.nodes[low].token >= 0) visit(tree.nodes[low].token);
    ++low;
  }
  for (; low < high; ++low)
    if (tree.nodes[low].token >= 0) visit(tree.nodes[low].token);
}

constexpr std::size_t kStepWork = 3'000'000;  // derivatives for a token and its mask; some 0.2 s

}  // namespace

GrammarCore::GrammarCore(std::unique_ptr<Machine> machine, State start, std::size_t memory_limit)
    : machine_(std::move(machine)),
      start_(start),
      memory_limit_(memory_limit),
      track_keys_(machine_->is_json() && machine_->schema().free_keys) {}

std::size_t GrammarCore::memory_bytes() const {
  return machine_->memory_bytes() + tracker_.memory_bytes() + cached_bytes_;
}

void GrammarCore::allow_step() {
  machine_->regexes().meter().allow(kStepWork);
}

Status GrammarCore::limit() const {
  if (!exhausted()) return {};
  if (machine_->regexes().meter().out_of_work())
    return Error{Code::kUnsupported,
                 "the constraint takes too long for a single token: a simpler pattern or grammar "
                 "is needed"};
  return make_error(Code::kUnsupported,
                    "the constraint needs more than the {} MiB that it may take: a simpler one is "
                    "needed",
                    memory_limit_ >> 20);
}

std::optional<Place> GrammarCore::after(Place place, std::string_view bytes) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    place.state = machine_->step(place.state, byte);
    if (place.state == kDead) return std::nullopt;
    if (track_keys_ && !step_keys(place, byte)) return std::nullopt;
    if (machine_->finite_keys() && place.keys.mode == KeyPosition::Mode::kKey &&
        name_is_dead(place.state, tracker_.rests_of_used(place.keys)))
      return std::nullopt;
  }
  if (memory_bytes() > memory_limit_) over_limit_ = true;
  return place;
}

// Where values stand among other texts, each begins with no names used.
bool GrammarCore::step_keys(Place& place, unsigned char byte) {
  if (!machine_->in_value(place.state)) {
    place.keys = {};
    return true;
  }
  return tracker_.step(place.keys, byte);
}

// Whether every name that goes on from here was used. `rests`: those of the used ones that do.
bool GrammarCore::name_is_dead(State state, const std::vector<std::string>& rests) {
  if (rests.empty()) return false;
  bool dead = true;
  machine_->first(state).each([&](unsigned value) {
    if (!dead) return;
    const auto byte = static_cast<unsigned char>(value);
    const State next = machine_->step(state, byte);
    if (next == kDead) return;
    std::vector<std::string> further;
    bool ended = false;
    for (const std::string& rest : rests) {
      ended = ended || rest.empty();
      if (!rest.empty() && static_cast<unsigned char>(rest[0]) == byte)
        further.push_back(rest.substr(1));
    }
    // A quote ends the name unless used names go on with it, as after a backslash.
    if (byte == '"' && ended && further.empty()) return;
    dead = name_is_dead(next, further);
  });
  return dead;
}

void GrammarCore::apply(const MaskEntry& entry, std::span<MaskWord> mask) {
  if (!entry.dense.empty()) {
    std::copy(entry.dense.begin(), entry.dense.end(), mask.begin());
    return;
  }
  if (entry.base.empty())
    std::fill(mask.begin(), mask.end(), 0);
  else
    std::copy(entry.base.begin(), entry.base.end(), mask.begin());
  for (const MaskEntry::Patch& patch : entry.patches) mask[patch.word] |= patch.bits;
}

GrammarCore::Cache& GrammarCore::cache_for(const std::shared_ptr<const Vocabulary>& vocabulary) {
  for (Cache& cache : caches_)
    if (cache.builder.vocabulary() == vocabulary) return cache;
  return caches_.emplace_back(Cache{MaskBuilder(*machine_, vocabulary), {}});
}

const MaskEntry& GrammarCore::entry_for(State state, Cache& cache) {
  const auto found = cache.masks.find(state);
  if (found != cache.masks.end()) return found->second;
  // Masks can be made again: when they take too much, all go.
  if (cached_bytes_ > memory_limit_ / 4) {
    for (Cache& each : caches_) {
      each.masks.clear();
      each.builder.clear();
    }
    cached_bytes_ = 0;
  }
  const std::size_t before = cache.builder.memory_bytes();
  const MaskEntry& entry = cache.masks.emplace(state, cache.builder.compute(state)).first->second;
  cached_bytes_ += 128 + entry.patches.size() * sizeof(MaskEntry::Patch) +
                   entry.dense.size() * sizeof(MaskWord) + cache.builder.memory_bytes() - before;
  return entry;
}

void GrammarCore::fill(const Place& place, const std::shared_ptr<const Vocabulary>& vocabulary,
                       bool cached, std::span<MaskWord> mask) {
  Cache& cache = cache_for(vocabulary);
  if (cached)
    apply(entry_for(place.state, cache), mask);
  else
    apply(cache.builder.compute_plainly(place.state), mask);
  if (track_keys_ && machine_->in_value(place.state)) forbid_used_keys(place, *vocabulary, mask);
  if (machine_->accepting(place.state))
    for (const TokenId end : vocabulary->ends())
      mask[static_cast<std::size_t>(end) / 64] |= 1ULL << (end % 64);
}

// Takes away the tokens that would give an object a key twice.
void GrammarCore::forbid_used_keys(const Place& place, const Vocabulary& vocabulary,
                                   std::span<MaskWord> mask) {
  if (machine_->finite_keys()) return check_each(place, vocabulary, mask);
  for (std::string& rest : tracker_.rests_of_used(place.keys)) {
    rest += '"';
    follow(vocabulary.crossing(), rest, [&](TokenId token) {
      if (vocabulary.bytes(token).size() >= rest.size()) clear_token(mask, vocabulary, token);
    });
  }
  // Tokens that hold a whole key are tried one by one, where it may be a used one. Within a string
  // the first quote ends it.
  const auto check = [&](std::span<const TokenId> tokens) {
    for (const TokenId token : tokens)
      if (has_token(mask, token) && !after(place, vocabulary.bytes(token)))
        mask[static_cast<std::size_t>(token) / 64] &= ~(1ULL << (token % 64));
  };
  const bool plain = place.keys.mode == KeyPosition::Mode::kPlain ||
                     place.keys.mode == KeyPosition::Mode::kExpectKey;
  if (!plain) return check(vocabulary.with_three_quotes());
  const bool used = tracker_.uses_any_of(place.keys, vocabulary.quoted());
  check(used ? vocabulary.with_two_quotes() : vocabulary.with_many_quotes());
}

// Where used names may leave an open name without an end, tokens are tried one by one: those that
// end a name or begin one, and within a name those that go on as a used one does.
void GrammarCore::check_each(const Place& place, const Vocabulary& vocabulary,
                             std::span<MaskWord> mask) {
  const auto check = [&](TokenId token) {
    if (has_token(mask, token) && !after(place, vocabulary.bytes(token)))
      clear_token(mask, vocabulary, token);
  };
  const std::vector<std::string> rests = tracker_.rests_of_used(place.keys);
  // Within a value's string the first quote ends it, and a name begins with the second.
  const bool in_value = place.keys.mode == KeyPosition::Mode::kString ||
                        place.keys.mode == KeyPosition::Mode::kStringEscape;
  const bool in_name = place.keys.mode == KeyPosition::Mode::kKey ||
                       place.keys.mode == KeyPosition::Mode::kKeyEscape;
  if (!in_value && !in_name && tracker_.has_used_keys(place.keys)) {
    for (const TokenTree::Node& node : vocabulary.crossing().nodes)
      if (node.token >= 0) check(node.token);
    return;
  }
  for (const TokenId token : vocabulary.with_two_quotes()) check(token);
  // What leaves the used names' ways is none of them, and goes on to others.
  for (const std::string& rest : rests) follow(vocabulary.all(), rest + '"', check);
}

bool GrammarCore::is_stuck(const Place& place) {
  if (place.state == kDead || machine_->accepting(place.state)) return false;
  bool goes_on = false;
  machine_->first(place.state).each([&](unsigned value) {
    const char byte = static_cast<char>(value);
    goes_on = goes_on || after(place, {&byte, 1}).has_value();
  });
  return !goes_on && !exhausted();
}

std::optional<unsigned char> GrammarCore::forced_byte(const Place& place) {
  if (machine_->accepting(place.state)) return std::nullopt;
  std::optional<unsigned char> only;
  bool several = false;
  machine_->first(place.state).each([&](unsigned value) {
    if (several) return;
    const char byte = static_cast<char>(value);
    if (!after(place, {&byte, 1})) return;
    several = only.has_value();
    only = static_cast<unsigned char>(value);
  });
  return several ? std::nullopt : only;
}

}  // namespace aquilon::constraint
