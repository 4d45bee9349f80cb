#include <algorithm>

#include "constraint/regex_store_internal.h"

namespace aquilon::constraint {
namespace {

std::uint64_t mix(std::uint64_t h, std::uint64_t value) {
  h ^= value + 0x9E3779B97F4A7C15ULL + (h << 6) + (h >> 2);
  h *= 0xFF51AFD7ED558CCDULL;
  return h ^ (h >> 32);
}

}  // namespace

RegexStore::RegexStore(std::size_t max_nodes) : max_nodes_(max_nodes) {
  nodes_.reserve(1024);
  table_.assign(4096, 0);
  nodes_.push_back({Kind::kNothing, false, false, 0, 0, 0});
  nodes_.push_back({Kind::kEmpty, true, false, 0, 0, 0});
}

std::size_t RegexStore::memory_bytes() const {
  return nodes_.size() * sizeof(Node) + lists_.size() * sizeof(RegexId) + rows_made_ * sizeof(Row) +
         first_.size() * (sizeof(ByteSet) + 1) + table_.size() * sizeof(std::uint32_t) +
         rows_.size() * sizeof(rows_[0]) + sets_.size() * 2 * sizeof(ByteSet) +
         bounds_.size() * sizeof(DecimalBound) + emptiness_.size() + relaxed_.size() * 32 +
         ends_.size() * 48;
}

bool RegexStore::same(const Node& x, const Node& y) const {
  if (x.kind != y.kind) return false;
  if (x.kind != Kind::kAnyOf && x.kind != Kind::kAllOf)
    return x.a == y.a && x.b == y.b && x.c == y.c;
  return x.b == y.b &&
         std::equal(lists_.begin() + x.a, lists_.begin() + x.a + x.b, lists_.begin() + y.a);
}

std::uint64_t RegexStore::hash(const Node& node) const {
  std::uint64_t h = mix(17, static_cast<std::uint64_t>(node.kind));
  if (node.kind == Kind::kAnyOf || node.kind == Kind::kAllOf) {
    for (const RegexId member : list(node)) h = mix(h, member);
    return h;
  }
  return mix(mix(h, node.a), std::uint64_t{node.b} << 32 | node.c);
}

void RegexStore::grow_table() {
  std::vector<std::uint32_t> table(table_.size() * 2, 0);
  const std::size_t mask = table.size() - 1;
  for (std::uint32_t id = 2; id < nodes_.size(); ++id) {
    std::size_t at = hash(nodes_[id]) & mask;
    while (table[at] != 0) at = (at + 1) & mask;
    table[at] = id + 1;
  }
  table_ = std::move(table);
}

RegexId RegexStore::intern(const Node& node) {
  const std::size_t mask = table_.size() - 1;
  std::size_t at = hash(node) & mask;
  while (table_[at] != 0) {
    if (same(nodes_[table_[at] - 1], node)) return table_[at] - 1;
    at = (at + 1) & mask;
  }
  if (nodes_.size() >= max_nodes_) {
    meter_.run_out_of_states(max_nodes_);
    return kNothing;
  }
  const auto id = static_cast<RegexId>(nodes_.size());
  nodes_.push_back(node);
  table_[at] = id + 1;
  if (nodes_.size() * 2 > table_.size()) grow_table();
  return id;
}

RegexId RegexStore::intern_list(Kind kind, const std::vector<RegexId>& members) {
  Node node{kind, kind == Kind::kAllOf, kind == Kind::kAllOf, 0, 0, 0};
  for (const RegexId member : members) {
    const Node& of = nodes_[member];
    node.nullable =
        kind == Kind::kAllOf ? node.nullable && of.nullable : node.nullable || of.nullable;
    node.boolean = node.boolean || of.boolean;
  }
  if (!spend(members.size() / 4) || !meter_.fits(memory_bytes())) return kNothing;
  node.a = static_cast<std::uint32_t>(lists_.size());
  node.b = static_cast<std::uint32_t>(members.size());
  lists_.insert(lists_.end(), members.begin(), members.end());
  const std::size_t before = nodes_.size();
  const RegexId id = intern(node);
  if (nodes_.size() == before) lists_.resize(node.a);
  return id;
}

RegexId RegexStore::bytes(const ByteSet& set) {
  if (set.empty()) return kNothing;
  std::uint64_t h = 0;
  for (const std::uint64_t word : set.words) h = mix(h, word);
  std::vector<std::uint32_t>& candidates = set_index_[h];
  std::uint32_t index = 0;
  for (const std::uint32_t candidate : candidates)
    if (sets_[candidate] == set) index = candidate + 1;
  if (index == 0) {
    sets_.push_back(set);
    index = static_cast<std::uint32_t>(sets_.size());
    candidates.push_back(index - 1);
  }
  return intern({Kind::kSet, false, false, index - 1, 0, 0});
}

RegexId RegexStore::byte(unsigned char value) {
  return bytes(ByteSet::of(value, value));
}

RegexId RegexStore::literal(std::string_view text) {
  return before(text, kEmptyText);
}

RegexId RegexStore::before(std::string_view text, RegexId rest) {
  if (!spend(text.size())) return kNothing;
  for (std::size_t i = text.size(); i-- > 0;)
    rest = concat(byte(static_cast<unsigned char>(text[i])), rest);
  return rest;
}

RegexId RegexStore::literals(std::vector<std::string> texts) {
  std::vector<Beginning> all;
  all.reserve(texts.size());
  for (std::string& text : texts) all.push_back({std::move(text), kEmptyText});
  return beginnings(std::move(all));
}

RegexId RegexStore::beginnings(std::vector<Beginning> texts) {
  if (!spend(2 * texts.size())) return kNothing;
  std::sort(texts.begin(), texts.end(),
            [](const Beginning& a, const Beginning& b) { return a.text < b.text; });
  const auto same = [](const Beginning& a, const Beginning& b) { return a.text == b.text; };
  texts.erase(std::unique(texts.begin(), texts.end(), same), texts.end());
  return beginnings_from(texts, 0);
}

// `sorted` share their first `depth` bytes. Depth of the recursion: where texts part, not length.
RegexId RegexStore::beginnings_from(std::span<const Beginning> sorted, std::size_t depth) {
  if (sorted.empty() || exhausted()) return kNothing;
  const std::string_view low = sorted[0].text, high = sorted.back().text;
  if (sorted.size() == 1) return before(low.substr(depth), sorted[0].rest);
  if (!spend(sorted.size() / 16 + 4)) return kNothing;
  std::size_t shared = depth;
  while (shared < low.size() && shared < high.size() && low[shared] == high[shared]) ++shared;
  std::vector<RegexId> branches;
  std::size_t i = 0;
  if (low.size() == shared) branches.push_back(sorted[i++].rest);
  while (i < sorted.size()) {
    std::size_t end = i;
    while (end < sorted.size() && sorted[end].text[shared] == sorted[i].text[shared]) ++end;
    const RegexId head = byte(static_cast<unsigned char>(sorted[i].text[shared]));
    branches.push_back(concat(head, beginnings_from(sorted.subspan(i, end - i), shared + 1)));
    i = end;
  }
  return before(low.substr(depth, shared - depth), any_of(std::move(branches)));
}

RegexId RegexStore::concat(RegexId first, RegexId second) {
  if (first == kNothing || second == kNothing) return kNothing;
  if (first == kEmptyText) return second;
  if (second == kEmptyText) return first;
  if (nodes_[first].kind == Kind::kRepeat) {  // a{1,2}a{3} is a{4,5}
    const Node head = nodes_[first];
    const bool more = nodes_[second].kind == Kind::kConcat;
    const Node next = nodes_[more ? nodes_[second].a : second];
    const auto sum = [](std::uint32_t a, std::uint32_t b) { return std::uint64_t{a} + b; };
    if (next.kind == Kind::kRepeat && next.a == head.a && sum(head.b, next.b) < kUnbounded) {
      const bool endless = head.c == kUnbounded || next.c == kUnbounded;
      if (endless || sum(head.c, next.c) < kUnbounded) {
        const RegexId both =
            repeat(head.a, head.b + next.b, endless ? kUnbounded : head.c + next.c);
        return more ? concat(both, nodes_[second].b) : both;
      }
    }
  }
  if (nodes_[first].kind == Kind::kConcat) {
    std::vector<RegexId> heads;  // to the right, so that equal languages are one node
    RegexId rest = first;
    for (; nodes_[rest].kind == Kind::kConcat; rest = nodes_[rest].b)
      heads.push_back(nodes_[rest].a);
    if (!spend(heads.size() / 4)) return kNothing;
    RegexId id = concat(rest, second);
    for (std::size_t i = heads.size(); i-- > 0;) id = concat(heads[i], id);
    return id;
  }
  return intern({Kind::kConcat, nodes_[first].nullable && nodes_[second].nullable,
                 nodes_[first].boolean || nodes_[second].boolean, first, second, 0});
}

RegexId RegexStore::any_of(std::vector<RegexId> members) {
  if (!spend(members.size() / 4)) return kNothing;
  std::vector<RegexId> flat;
  ByteSet set;
  for (const RegexId member : members) {
    const Node node = nodes_[member];
    if (node.kind == Kind::kNothing) continue;
    if (node.kind == Kind::kSet) {
      set |= sets_[node.a];
    } else if (node.kind == Kind::kAnyOf) {
      for (const RegexId inner : list(node)) {
        if (nodes_[inner].kind == Kind::kSet)
          set |= sets_[nodes_[inner].a];
        else
          flat.push_back(inner);
      }
    } else {
      flat.push_back(member);
    }
  }
  if (!set.empty()) flat.push_back(bytes(set));
  std::sort(flat.begin(), flat.end());
  flat.erase(std::unique(flat.begin(), flat.end()), flat.end());
  // Not(kNothing) is every text.
  for (const RegexId member : flat)
    if (nodes_[member].kind == Kind::kNot && nodes_[member].a == kNothing) return member;
  if (flat.empty()) return kNothing;
  if (flat.size() == 1) return flat[0];
  return intern_list(Kind::kAnyOf, flat);
}

RegexId RegexStore::all_of(std::vector<RegexId> members) {
  if (!spend(members.size() / 4)) return kNothing;
  std::vector<RegexId> flat;
  for (const RegexId member : members) {
    const Node node = nodes_[member];
    if (node.kind == Kind::kNothing) return kNothing;
    if (node.kind == Kind::kNot && node.a == kNothing) continue;
    if (node.kind == Kind::kAllOf)
      flat.insert(flat.end(), list(node).begin(), list(node).end());
    else
      flat.push_back(member);
  }
  std::sort(flat.begin(), flat.end());
  flat.erase(std::unique(flat.begin(), flat.end()), flat.end());
  for (const RegexId member : flat)
    if (nodes_[member].kind == Kind::kNot &&
        std::binary_search(flat.begin(), flat.end(), nodes_[member].a))
      return kNothing;
  if (flat.empty()) return complement(kNothing);
  if (flat.size() == 1) return flat[0];
  if (flat[0] == kEmptyText) {
    for (const RegexId member : flat)
      if (!nodes_[member].nullable) return kNothing;
    return kEmptyText;
  }
  return intern_list(Kind::kAllOf, flat);
}

RegexId RegexStore::complement(RegexId a) {
  if (nodes_[a].kind == Kind::kNot) return nodes_[a].a;
  return intern({Kind::kNot, !nodes_[a].nullable, true, a, 0, 0});
}

RegexId RegexStore::repeat(RegexId a, std::uint32_t min, std::uint32_t max) {
  if (max == 0 || a == kEmptyText) return kEmptyText;
  if (a == kNothing) return min == 0 ? kEmptyText : kNothing;
  if (min == 1 && max == 1) return a;
  const Node& node = nodes_[a];
  if (node.kind == Kind::kRepeat && node.b == 0 && node.c == kUnbounded) return a;
  if (node.nullable) min = 0;
  return intern({Kind::kRepeat, min == 0, node.boolean, a, min, max});
}

RegexId RegexStore::multiple_of(std::uint32_t divisor, std::uint32_t scale) {
  return intern({Kind::kMultiple, true, true, divisor, 0, scale << 1});
}

RegexId RegexStore::compared(const DecimalBound& bound, Comparison comparison) {
  bounds_.push_back(bound);
  return compare_node(static_cast<std::uint32_t>(bounds_.size() - 1), comparison, 0, 0, 1);
}

// phase 0: before the point, 1: after it. order 0: less so far, 1: equal, 2: greater.
RegexId RegexStore::compare_node(std::uint32_t bound, Comparison how, std::uint32_t position,
                                 std::uint32_t phase, std::uint32_t order) {
  const DecimalBound& of = bounds_[bound];
  std::uint32_t value = order;
  if (phase == 0 && position < of.whole.size()) value = 0;
  if (phase == 0 && position > of.whole.size()) value = 2;
  // Digits of the bound that are still to come are no zeros at their end.
  const bool more = phase == 0 ? !of.fraction.empty() : position < of.fraction.size();
  if (value == 1 && more) value = 0;
  const bool holds = how == Comparison::kLess      ? value == 0
                     : how == Comparison::kAtMost  ? value <= 1
                     : how == Comparison::kGreater ? value == 2
                                                   : value >= 1;
  return intern({Kind::kCompare, holds, true, bound,
                 static_cast<std::uint32_t>(how) << 3 | phase << 2 | order, position});
}

RegexId RegexStore::derive_compare(const Node& node, unsigned char byte) {
  const auto how = static_cast<Comparison>(node.b >> 3);
  const std::uint32_t phase = node.b >> 2 & 1;
  std::uint32_t order = node.b & 3, position = node.c;
  const std::string& whole = bounds_[node.a].whole;
  const std::string& fraction = bounds_[node.a].fraction;
  if (byte == '.') {
    if (phase == 1) return kNothing;
    if (position != whole.size()) order = position < whole.size() ? 0 : 2;
    return compare_node(node.a, how, 0, 1, order);
  }
  if (byte < '0' || byte > '9') return kNothing;
  const std::string& digits = phase == 0 ? whole : fraction;
  const unsigned char against =
      position < digits.size() ? static_cast<unsigned char>(digits[position]) : '0';
  if (order == 1 && (phase == 1 || position < digits.size()) && byte != against)
    order = byte < against ? 0 : 2;
  const std::size_t last = digits.size() + 1;  // beyond, nothing changes
  position = static_cast<std::uint32_t>(std::min<std::size_t>(position + 1, last));
  if (phase == 1 && order != 1) position = static_cast<std::uint32_t>(last);
  return compare_node(node.a, how, position, phase, order);
}

// a: divisor, b: remainder, c: digits of the scale that are left << 1 | phase.
RegexId RegexStore::derive_multiple(const Node& node, unsigned char byte) {
  const std::uint32_t left = node.c >> 1, phase = node.c & 1;
  const auto make = [&](std::uint64_t remainder, std::uint32_t digits, std::uint32_t now) {
    std::uint64_t at_end = remainder;
    for (std::uint32_t i = 0; i < digits; ++i) at_end = at_end * 10 % node.a;
    return intern({Kind::kMultiple, at_end == 0, true, node.a,
                   static_cast<std::uint32_t>(remainder), digits << 1 | now});
  };
  if (byte == '.') return phase == 1 ? kNothing : make(node.b, left, 1);
  if (byte < '0' || byte > '9') return kNothing;
  if (phase == 1 && left == 0) return byte == '0' ? make(node.b, 0, 1) : kNothing;
  const std::uint64_t remainder = (std::uint64_t{node.b} * 10 + (byte - '0')) % node.a;
  return make(remainder, phase == 1 ? left - 1 : left, phase);
}

RegexId RegexStore::derive(RegexId id, unsigned char byte) {
  if (!spend(1)) return kNothing;
  const Node node = nodes_[id];
  switch (node.kind) {
    case Kind::kNothing:
    case Kind::kEmpty:
      return kNothing;
    case Kind::kSet:
      return sets_[node.a].has(byte) ? kEmptyText : kNothing;
    case Kind::kConcat:
      return derive_concat(id, byte);
    case Kind::kAnyOf:
    case Kind::kAllOf: {
      std::vector<RegexId> members;
      for (std::uint32_t i = 0; i < node.b; ++i) {
        const RegexId member = derive(lists_[node.a + i], byte);
        if (member == kNothing && node.kind == Kind::kAllOf) return kNothing;
        if (member != kNothing) members.push_back(member);
      }
      return node.kind == Kind::kAnyOf ? any_of(std::move(members)) : all_of(std::move(members));
    }
    case Kind::kNot:
      return complement(derive(node.a, byte));
    case Kind::kRepeat: {
      const std::uint32_t min = node.b == 0 ? 0 : node.b - 1;
      const std::uint32_t max = node.c == kUnbounded ? kUnbounded : node.c - 1;
      const RegexId head = derive(node.a, byte);
      return head == kNothing ? kNothing : concat(head, repeat(node.a, min, max));
    }
    case Kind::kCompare:
      return derive_compare(node, byte);
    case Kind::kMultiple:
      return derive_multiple(node, byte);
  }
  return kNothing;
}

// Along parts that may all be empty in one go: there can be as many as a pattern has characters.
RegexId RegexStore::derive_concat(RegexId id, unsigned char byte) {
  Node node = nodes_[id];
  RegexId way = concat(derive(node.a, byte), node.b);
  if (!nodes_[node.a].nullable) return way;
  std::vector<RegexId> ways{way};
  for (;;) {
    const RegexId rest = node.b;
    node = nodes_[rest];
    if (node.kind != Kind::kConcat) {
      ways.push_back(derive(rest, byte));
      break;
    }
    if (!spend(1)) return kNothing;
    ways.push_back(concat(derive(node.a, byte), node.b));
    if (!nodes_[node.a].nullable) break;
  }
  return any_of(std::move(ways));
}

RegexId RegexStore::compute_next(RegexId id, unsigned char byte) {
  if (nodes_[id].kind == Kind::kConcat && nodes_[nodes_[id].a].kind == Kind::kSet &&
      !nodes_[id].boolean)
    return sets_[nodes_[nodes_[id].a].a].has(byte) ? nodes_[id].b : kNothing;
  if (rows_.size() < nodes_.size()) rows_.resize(nodes_.size() + nodes_.size() / 2);
  if (rows_[id] == nullptr) {
    if (!meter_.fits(memory_bytes() + sizeof(Row))) return kNothing;
    rows_[id] = std::make_unique<Row>();
    ++rows_made_;
    std::fill(std::begin(rows_[id]->next), std::end(rows_[id]->next), kUnknown);
  }
  RegexId result = derive(id, byte);
  if (nodes_[result].boolean && is_empty(result)) result = kNothing;
  if (exhausted()) return kNothing;
  // All bytes that no part tells apart lead to the same.
  RegexId* const row = rows_[id]->next;
  class_of(id, byte).each([&](unsigned other) { row[other] = result; });
  return result;
}

}  // namespace aquilon::constraint
