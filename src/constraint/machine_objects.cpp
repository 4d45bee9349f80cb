// Objects: which keys may come, which value belongs to each, when the object may end.
#include <algorithm>

#include "constraint/machine_internal.h"

namespace aquilon::constraint {
namespace {

constexpr std::uint32_t kLexemeBase = 1u << 16;

std::string bytes_of(const void* data, std::size_t size) {
  return {static_cast<const char*>(data), size};
}

}  // namespace

std::uint32_t Machine::words_id(const std::vector<std::uint64_t>& words) {
  const auto [at, inserted] =
      words_index_.emplace(bytes_of(words.data(), words.size() * sizeof(words[0])),
                           static_cast<std::uint32_t>(words_.size()));
  if (inserted) {
    words_.push_back(words);
    words_bytes_ += 128 + 2 * words.size() * sizeof(words[0]);
  }
  return at->second;
}

std::uint32_t Machine::seen_with(std::uint32_t seen, std::uint32_t key, std::size_t words) {
  std::vector<std::uint64_t> bits = words_[seen];
  bits.resize(words);
  bits[key / 64] |= 1ULL << (key % 64);
  return words_id(bits);
}

bool Machine::can_close(const ObjectShape& shape, const Frame& f) const {
  if (f.count < shape.min || f.marks != shape.obligations) return false;
  const std::vector<std::uint64_t>& seen = words_[f.seen];
  for (std::size_t i = 0; i < shape.required.size(); ++i)
    if ((shape.required[i] & ~(i < seen.size() ? seen[i] : 0)) != 0) return false;
  return true;
}

// Whether only required keys fit in what `max` leaves.
bool Machine::is_tight(const ObjectShape& shape, const Frame& f) const {
  if (shape.max == 0xFFFFFFFF) return false;
  std::uint32_t missing = 0;
  const std::vector<std::uint64_t>& seen = words_[f.seen];
  for (std::size_t i = 0; i < shape.required.size(); ++i)
    missing += static_cast<std::uint32_t>(
        __builtin_popcountll(shape.required[i] & ~(i < seen.size() ? seen[i] : 0)));
  return f.count + missing >= shape.max;
}

Machine::Ranks Machine::next_ranks(const ObjectShape& shape, const Frame& f) const {
  const auto n = static_cast<std::uint32_t>(shape.in_order.size());
  const std::vector<std::uint64_t>& seen = words_[f.seen];
  const auto has = [&](const std::vector<std::uint64_t>& bits, std::uint32_t key) {
    return key / 64 < bits.size() && (bits[key / 64] >> (key % 64) & 1) != 0;
  };
  Ranks ranks{n, 0};
  while (ranks.low > 0 && !has(seen, shape.in_order[ranks.low - 1])) --ranks.low;
  ranks.high = ranks.low;
  while (ranks.high < n && !has(shape.required, shape.in_order[ranks.high])) ++ranks.high;
  return ranks;
}

// Whether `key` may come next: behind those that came, and no required one is passed over. Enough
// others must be left to come to `min`.
bool Machine::in_order(const ObjectShape& shape, const Frame& f, std::uint32_t key) const {
  if (shape.in_order.empty()) return true;
  const Ranks ranks = next_ranks(shape, f);
  const std::uint32_t rank = shape.keys[key].rank;
  if (rank < ranks.low || rank > ranks.high) return false;
  if (shape.free || f.count + 1 >= shape.min) return true;
  std::uint32_t left = 0;
  for (std::size_t i = rank + 1; i < shape.in_order.size(); ++i)
    left += !shape.keys[shape.in_order[i]].choices.empty();
  return f.count + 1 + left >= shape.min;
}

// Others come behind all declared keys.
bool Machine::free_key_in_order(const ObjectShape& shape, const Frame& f) const {
  return shape.in_order.empty() || next_ranks(shape, f).high == shape.in_order.size();
}

bool Machine::usable_between(const ObjectShape& shape, const Frame& f, std::uint32_t low,
                             std::uint32_t high) const {
  const std::vector<std::uint64_t>& seen = words_[f.seen];
  const bool tight = is_tight(shape, f);
  for (std::uint32_t word = low / 64; word * 64 < high; ++word) {
    std::uint64_t bits = shape.usable[word] & ~(word < seen.size() ? seen[word] : 0);
    if (tight) bits &= shape.required[word];
    if (word == low / 64) bits &= ~0ULL << (low % 64);
    if (high < word * 64 + 64) bits &= (1ULL << (high % 64)) - 1;
    if (bits != 0 && shape.in_order.empty()) return true;
    for (; bits != 0; bits &= bits - 1)
      if (in_order(shape, f, word * 64 + static_cast<std::uint32_t>(__builtin_ctzll(bits))))
        return true;
  }
  return false;
}

bool Machine::can_add(const ObjectShape& shape, const Frame& f) const {
  if (f.count >= shape.max) return false;
  if (usable_between(shape, f, 0, static_cast<std::uint32_t>(shape.keys.size()))) return true;
  return shape.free && !is_tight(shape, f) && free_key_in_order(shape, f);
}

void Machine::step_object(const Frame& f, unsigned char byte, std::uint32_t text, Threads& out) {
  const ObjectShape& shape = schema_.objects[f.shape];
  if (byte == '}' && f.kind != Kind::kObjectComma && can_close(shape, f))
    return complete(f.parent, text, out);
  Frame next = f;
  next.text = text;
  if (byte == ',' && f.kind == Kind::kObjectNext && can_add(shape, f)) {
    next.kind = Kind::kObjectComma;
    out.push_back(thread(0, frame(next)));
  } else if (byte == '"' && f.kind != Kind::kObjectNext && can_add(shape, f)) {
    next.kind = Kind::kKey;
    out.push_back(thread(kLexemeBase + key_start(f.shape), frame(next)));
  }
}

std::uint32_t Machine::key_start(std::uint32_t shape) {
  std::uint32_t& start = key_starts_[shape];
  if (start != 0) return start - 1;
  const ObjectShape& of = schema_.objects[shape];
  std::vector<RegexId> others;
  if (of.free) {
    others.push_back(of.free_text);
    others.insert(others.end(), of.patterns.begin(), of.patterns.end());
  }
  const std::uint32_t id = key_state(shape, 0, std::move(others));
  start = id + 1;
  return id;
}

std::uint32_t Machine::key_state(std::uint32_t shape, std::uint32_t node,
                                 std::vector<RegexId> others) {
  std::vector<std::uint32_t> parts{shape, node};
  parts.insert(parts.end(), others.begin(), others.end());
  const auto [at, inserted] =
      key_index_.emplace(bytes_of(parts.data(), parts.size() * sizeof(parts[0])),
                         static_cast<std::uint32_t>(keys_.size()));
  if (inserted) keys_.push_back({shape, node, std::move(others), nullptr});
  return at->second;
}

// kNoNode where no key goes on so.
std::uint32_t Machine::key_next(std::uint32_t id, unsigned char byte) {
  KeyState& key = keys_[id];
  if (key.next == nullptr) {
    key.next = std::make_unique<std::array<std::uint32_t, 256>>();
    key.next->fill(kNoNode - 1);
  }
  if ((*key.next)[byte] != kNoNode - 1) return (*key.next)[byte];
  const ObjectShape& shape = schema_.objects[key.shape];
  std::uint32_t node = kNoNode;
  if (key.node != kNoNode) {
    std::uint32_t child = shape.tree[key.node].child;
    while (child != 0 && shape.tree[child].byte != byte) child = shape.tree[child].sibling;
    if (child != 0) node = child;
  }
  std::vector<RegexId> others;
  if (!key.others.empty()) {
    const RegexId content = store_->next(key.others[0], byte);
    if (content != kNothing) {
      others.push_back(content);
      for (std::size_t i = 1; i < key.others.size(); ++i)
        others.push_back(store_->next(key.others[i], byte));
    }
  }
  std::uint32_t to = kNoNode;
  if (node != kNoNode || !others.empty()) to = key_state(key.shape, node, std::move(others));
  return (*keys_[id].next)[byte] = to;
}

bool Machine::key_alive(const KeyState& key, const Frame& f) const {
  const ObjectShape& shape = schema_.objects[f.shape];
  if (!key.others.empty() && !is_tight(shape, f) && free_key_in_order(shape, f)) return true;
  if (key.node == kNoNode) return false;
  return usable_between(shape, f, shape.tree[key.node].low, shape.tree[key.node].high);
}

void Machine::step_key(std::uint32_t id, const Frame& f, unsigned char byte, Threads& out) {
  const std::uint32_t text = f.text == 0 ? 0 : append_text(f.text, byte);
  const std::uint32_t next = key_next(id, byte);
  if (next != kNoNode) {
    if (!key_alive(keys_[next], f)) return;
    Frame moved = f;
    moved.text = text;
    return out.push_back(thread(kLexemeBase + next, frame(moved)));
  }
  // A quote that goes on within a name stands after a backslash: here it ends the name.
  if (byte == '"') end_key(keys_[id], f, text, out);
}

void Machine::end_key(const KeyState& key, const Frame& f, std::uint32_t text, Threads& out) {
  const ObjectShape& shape = schema_.objects[f.shape];
  const std::int32_t declared = key.node == kNoNode ? -1 : shape.tree[key.node].key;
  const std::vector<Choice>* choices = nullptr;
  Frame next = f;
  next.kind = Kind::kObjectNext;
  next.text = text;
  next.count = f.count + 1;
  if (shape.max == 0xFFFFFFFF) next.count = std::min(next.count, shape.min);
  if (declared >= 0) {
    const auto k = static_cast<std::uint32_t>(declared);
    if (!usable_between(shape, f, k, k + 1)) return;
    choices = &shape.keys[k].choices;
    next.seen = seen_with(f.seen, k, shape.usable.size());
  } else {
    if (key.others.empty() || !store_->nullable(key.others[0]) || is_tight(shape, f) ||
        !free_key_in_order(shape, f))
      return;
    // None of the declared ones may follow.
    if (!shape.in_order.empty())
      next.seen = seen_with(f.seen, shape.in_order.back(), shape.usable.size());
    std::uint64_t set = 0;
    for (std::size_t i = 1; i < key.others.size(); ++i)
      if (store_->nullable(key.others[i])) set |= 1ULL << (i - 1);
    const auto found = shape.classes.find(set);
    if (found == shape.classes.end()) return;
    choices = &found->second;
  }
  for (const Choice& choice : *choices) {
    next.marks = f.marks | choice.fulfils;
    // What is left to fulfil needs another key.
    if (next.marks != shape.obligations && !can_add(shape, next)) continue;
    out.push_back(thread(
        0,
        frame({.kind = Kind::kColon, .shape = choice.value, .text = text, .parent = frame(next)})));
  }
}

ByteSet Machine::first_of_key(std::uint32_t id, const Frame& f) {
  const KeyState& key = keys_[id];
  const ObjectShape& shape = schema_.objects[f.shape];
  ByteSet set;
  if (!key.others.empty()) set |= store_->first(key.others[0]);
  set.add('"');
  if (key.node != kNoNode)
    for (std::uint32_t child = shape.tree[key.node].child; child != 0;
         child = shape.tree[child].sibling)
      set.add(shape.tree[child].byte);
  return set;
}

}  // namespace aquilon::constraint
