#include <algorithm>

#include "constraint/grammar_core_internal.h"

namespace aquilon::constraint {
namespace {

constexpr std::size_t kStepWork = 20'000'000;  // derivatives for one mask; about a second

void set_token(std::span<MaskWord> mask, const Vocabulary& vocabulary, TokenId token) {
  for (; token >= 0; token = vocabulary.same_bytes(token))
    mask[static_cast<std::size_t>(token) / 64] |= 1ULL << (token % 64);
}

void clear_token(std::span<MaskWord> mask, const Vocabulary& vocabulary, TokenId token) {
  for (; token >= 0; token = vocabulary.same_bytes(token))
    mask[static_cast<std::size_t>(token) / 64] &= ~(1ULL << (token % 64));
}

bool has_token(std::span<const MaskWord> mask, TokenId token) {
  return mask[static_cast<std::size_t>(token) / 64] >> (token % 64) & 1;
}

}  // namespace

GrammarCore::GrammarCore(std::unique_ptr<Machine> machine, State start, std::size_t memory_limit)
    : machine_(std::move(machine)),
      start_(start),
      memory_limit_(memory_limit),
      track_keys_(machine_->is_json() && machine_->schema().free_keys) {}

std::size_t GrammarCore::memory_bytes() const {
  return machine_->memory_bytes() + tracker_.memory_bytes() + cached_bytes_;
}

std::optional<Place> GrammarCore::after(Place place, std::string_view bytes) {
  machine_->regexes().allow_work(kStepWork);
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

void GrammarCore::walk(const TokenTree& tree, State start, std::vector<TokenId>& out) {
  if (path_.size() < tree.max_depth + 1) {
    path_.resize(tree.max_depth + 1);
    path_first_.resize(tree.max_depth + 1);
    path_waits_.resize(tree.max_depth + 1);
    path_bytes_.resize(tree.max_depth + 1);
  }
  path_[0] = start;
  path_first_[0] = machine_->first(start);
  path_waits_[0] = machine_->keeps_texts() && machine_->in_text(start);
  const TokenTree::Node* nodes = tree.nodes.data();
  const auto n = static_cast<std::uint32_t>(tree.nodes.size());
  for (std::uint32_t i = 0; i < n;) {
    const TokenTree::Node node = nodes[i];
    const std::size_t depth = node.depth;
    State next = kDead;
    path_bytes_[depth - 1] = static_cast<char>(node.byte);
    const bool waits = path_waits_[depth - 1];
    if (path_first_[depth - 1].has(node.byte))
      next = waits ? machine_->step_in_walk(path_[depth - 1], {path_bytes_.data(), depth})
                   : machine_->step(path_[depth - 1], node.byte);
    if (next == kDead) {
      i = node.end;
      continue;
    }
    if (node.token >= 0) out.push_back(node.token);
    if (node.end > ++i) {
      path_[depth] = next;
      path_waits_[depth] = waits && machine_->in_text(next);
      // In the middle of strings the state often stays.
      path_first_[depth] =
          next == path_[depth - 1] ? path_first_[depth - 1] : machine_->first(next);
    }
  }
}

GrammarCore::MaskEntry GrammarCore::compute(State state, const Vocabulary& vocabulary,
                                            bool shortcuts) {
  MaskEntry entry;
  std::uint32_t most = 0;
  if (shortcuts && machine_->inside_string(state, most))
    entry.base = vocabulary.inside_strings(most);
  if (!entry.base.empty()) {
    walk(vocabulary.crossing(), state, entry.tokens);
  } else {
    walk(vocabulary.all(), state, entry.tokens);
  }
  if (entry.tokens.size() > vocabulary.mask_words() * 2) {
    entry.dense.assign(vocabulary.mask_words(), 0);
    if (!entry.base.empty()) std::copy(entry.base.begin(), entry.base.end(), entry.dense.begin());
    for (const TokenId token : entry.tokens) set_token(entry.dense, vocabulary, token);
    entry.tokens = {};
    entry.base = {};
  }
  return entry;
}

void GrammarCore::apply(const MaskEntry& entry, const Vocabulary& vocabulary,
                        std::span<MaskWord> mask) {
  if (!entry.dense.empty()) {
    std::copy(entry.dense.begin(), entry.dense.end(), mask.begin());
    return;
  }
  if (entry.base.empty())
    std::fill(mask.begin(), mask.end(), 0);
  else
    std::copy(entry.base.begin(), entry.base.end(), mask.begin());
  for (const TokenId token : entry.tokens) set_token(mask, vocabulary, token);
}

GrammarCore::Cache& GrammarCore::cache_for(const std::shared_ptr<const Vocabulary>& vocabulary) {
  for (Cache& cache : caches_)
    if (cache.vocabulary == vocabulary) return cache;
  caches_.push_back({vocabulary, {}});
  return caches_.back();
}

void GrammarCore::fill(const Place& place, const std::shared_ptr<const Vocabulary>& vocabulary,
                       bool cached, std::span<MaskWord> mask) {
  if (!cached) {
    apply(compute(place.state, *vocabulary, false), *vocabulary, mask);
  } else {
    Cache& cache = cache_for(vocabulary);
    auto found = cache.masks.find(place.state);
    if (found == cache.masks.end()) {
      // Masks can be made again: when they take too much, all go.
      if (cached_bytes_ > memory_limit_ / 4) {
        cache.masks.clear();
        cached_bytes_ = 0;
      }
      found = cache.masks.emplace(place.state, compute(place.state, *vocabulary, true)).first;
      MaskEntry& entry = found->second;
      entry.tokens.shrink_to_fit();
      cached_bytes_ +=
          128 + entry.tokens.size() * sizeof(TokenId) + entry.dense.size() * sizeof(MaskWord);
    }
    apply(found->second, *vocabulary, mask);
  }
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
    const std::vector<TokenTree::Node>& nodes = vocabulary.crossing().nodes;
    std::uint32_t low = 0, high = static_cast<std::uint32_t>(nodes.size());
    std::size_t depth = 0;
    while (depth < rest.size() && low < high) {
      if (nodes[low].byte != static_cast<unsigned char>(rest[depth])) {
        low = nodes[low].end;
        continue;
      }
      high = nodes[low].end;
      if (++depth == rest.size()) break;
      ++low;
    }
    if (depth < rest.size()) continue;
    for (std::uint32_t i = low; i < high; ++i)
      if (nodes[i].token >= 0) clear_token(mask, vocabulary, nodes[i].token);
  }
  // Tokens that hold a whole key: rare enough to be tried one by one.
  for (const TokenId token : vocabulary.with_quotes())
    if (has_token(mask, token) && !after(place, vocabulary.bytes(token)))
      mask[static_cast<std::size_t>(token) / 64] &= ~(1ULL << (token % 64));
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
  if (rests.empty() && !tracker_.has_used_keys(place.keys)) {
    for (const TokenId token : vocabulary.with_quotes()) check(token);
    return;
  }
  for (const TokenTree::Node& node : vocabulary.crossing().nodes)
    if (node.token >= 0) check(node.token);
  if (rests.empty()) return;
  ByteSet heads;
  for (const std::string& rest : rests)
    if (!rest.empty()) heads.add(static_cast<unsigned char>(rest[0]));
  const std::vector<TokenTree::Node>& nodes = vocabulary.all().nodes;
  for (std::uint32_t i = 0; i < nodes.size();) {
    if (nodes[i].depth == 1 && !heads.has(nodes[i].byte)) {
      i = nodes[i].end;
      continue;
    }
    if (nodes[i].token >= 0) check(nodes[i].token);
    ++i;
  }
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
