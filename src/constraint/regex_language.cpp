// What an expression's language is like: empty, finite, how its texts begin.
#include <algorithm>
#include <functional>

#include "constraint/regex_store_internal.h"

namespace aquilon::constraint {

ByteSet RegexStore::compute_first(RegexId id) {
  const Node& node = nodes_[id];
  ByteSet set;
  switch (node.kind) {
    case Kind::kNothing:
    case Kind::kEmpty:
      break;
    case Kind::kSet:
      set = sets_[node.a];
      break;
    case Kind::kConcat: {
      RegexId rest = id;
      bool more = true;
      for (; more && nodes_[rest].kind == Kind::kConcat; rest = nodes_[rest].b) {
        set |= compute_first(nodes_[rest].a);
        more = nodes_[nodes_[rest].a].nullable;
      }
      if (more) set |= compute_first(rest);
      break;
    }
    case Kind::kAnyOf:
      for (const RegexId member : list(node)) set |= compute_first(member);
      break;
    case Kind::kAllOf:
      set = ByteSet::all();
      for (const RegexId member : list(node)) set &= compute_first(member);
      break;
    case Kind::kNot:
      set = ByteSet::all();
      break;
    case Kind::kRepeat:
      set = compute_first(node.a);
      break;
    case Kind::kCompare:
    case Kind::kMultiple:
      set = ByteSet::of('0', '9');
      set.add('.');
      break;
  }
  return set;
}

const ByteSet& RegexStore::remember_first(RegexId id) {
  if (first_known_.size() <= id) {
    first_known_.resize(nodes_.size() + nodes_.size() / 2);
    first_.resize(first_known_.size());
  }
  first_known_[id] = 1;
  return first_[id] = compute_first(id);
}

// The sets that decide the derivatives by one byte.
void RegexStore::add_heads(RegexId id, std::vector<ByteSet>& out) {
  const Node& node = nodes_[id];
  switch (node.kind) {
    case Kind::kNothing:
    case Kind::kEmpty:
      break;
    case Kind::kSet:
      out.push_back(sets_[node.a]);
      break;
    case Kind::kConcat: {
      RegexId rest = id;
      bool more = true;
      for (; more && nodes_[rest].kind == Kind::kConcat; rest = nodes_[rest].b) {
        add_heads(nodes_[rest].a, out);
        more = nodes_[nodes_[rest].a].nullable;
      }
      if (more) add_heads(rest, out);
      break;
    }
    case Kind::kAnyOf:
    case Kind::kAllOf:
      for (const RegexId member : list(node)) add_heads(member, out);
      break;
    case Kind::kNot:
    case Kind::kRepeat:
      add_heads(node.a, out);
      break;
    case Kind::kCompare:
    case Kind::kMultiple:
      for (unsigned digit = '0'; digit <= '9'; ++digit) out.push_back(ByteSet::of(digit, digit));
      out.push_back(ByteSet::of('.', '.'));
      break;
  }
}

// The bytes that lead to the same language as `byte` does.
ByteSet RegexStore::class_of(RegexId id, unsigned char byte) {
  scratch_heads_.clear();
  add_heads(id, scratch_heads_);
  if (!spend(scratch_heads_.size() / 16)) return {};
  ByteSet same = ByteSet::all();
  for (const ByteSet& head : scratch_heads_) same &= head.has(byte) ? head : ~head;
  return same;
}

// Bytes in groups that all lead to the same language, with a member of each.
std::vector<std::pair<ByteSet, unsigned char>> RegexStore::classes(RegexId id) {
  std::vector<ByteSet> heads, parts{compute_first(id)};
  add_heads(id, heads);
  if (!spend(heads.size() / 8)) return {};
  for (const ByteSet& head : heads) {
    const std::size_t n = parts.size();
    if (n > 16 && !spend(n / 16)) return {};
    for (std::size_t i = 0; i < n; ++i) {
      ByteSet inside = parts[i], outside = parts[i];
      inside &= head;
      outside &= ~head;
      if (inside.empty() || outside.empty()) continue;
      parts[i] = inside;
      parts.push_back(outside);
    }
  }
  std::vector<std::pair<ByteSet, unsigned char>> result;
  for (const ByteSet& part : parts) {
    if (part.empty()) continue;
    unsigned byte = 0;
    while (!part.has(byte)) ++byte;
    result.emplace_back(part, static_cast<unsigned char>(byte));
  }
  return result;
}

// A language that holds this one and has fewer states: long repetitions without their bounds.
RegexId RegexStore::relaxed(RegexId id) {
  constexpr std::uint32_t kLong = 4;
  const Node node = nodes_[id];
  if (node.kind != Kind::kConcat && node.kind != Kind::kAnyOf && node.kind != Kind::kAllOf &&
      node.kind != Kind::kRepeat)
    return id;
  const auto [at, inserted] = relaxed_.try_emplace(id, id);
  if (!inserted || !spend(4)) return at->second;
  RegexId to = id;
  if (node.kind == Kind::kConcat) {  // a chain as long as a text
    std::vector<RegexId> chain;
    RegexId rest = id;
    for (; nodes_[rest].kind == Kind::kConcat && spend(4); rest = nodes_[rest].b) {
      if (rest != id && relaxed_.contains(rest)) break;
      chain.push_back(rest);
    }
    to = relaxed(rest);
    for (std::size_t i = chain.size(); i-- > 0;) {
      to = concat(relaxed(nodes_[chain[i]].a), to);
      relaxed_[chain[i]] = to;
    }
  } else if (node.kind == Kind::kRepeat) {
    const bool is_long = node.c > kLong && node.c != kUnbounded;
    to = is_long ? repeat(relaxed(node.a), node.b > 0 ? 1 : 0, kUnbounded)
                 : repeat(relaxed(node.a), node.b, node.c);
  } else {
    std::vector<RegexId> members;
    for (std::uint32_t i = 0; i < node.b; ++i) members.push_back(relaxed(lists_[node.a + i]));
    to = node.kind == Kind::kAnyOf ? any_of(std::move(members)) : all_of(std::move(members));
  }
  return relaxed_[id] = to;
}

// Breadth first to the shortest text, which is short where there is one; without one, none of the
// states on the way has any. Where no short one is found, the relaxed language may be seen to have
// none sooner.
bool RegexStore::is_empty(RegexId start) {
  if (!nodes_[start].boolean) return start == kNothing;
  const auto known = [&](RegexId id) -> std::uint8_t {
    if (!nodes_[id].boolean) return id == kNothing ? 2 : 1;
    if (nodes_[id].nullable) return 1;
    return id < emptiness_.size() ? emptiness_[id] : 0;
  };
  if (const std::uint8_t answer = known(start)) return answer == 2;
  const auto mark = [&](RegexId id, std::uint8_t answer) {
    if (emptiness_.size() <= id) emptiness_.resize(nodes_.size() + nodes_.size() / 2);
    emptiness_[id] = answer;
  };
  constexpr std::uint8_t kSeen = 3;
  struct Step {
    RegexId id;
    std::size_t from;
  };
  std::vector<Step> steps{{start, 0}};
  mark(start, kSeen);
  const auto found = [&](std::size_t last) {
    for (const Step& step : steps) mark(step.id, 0);
    for (; last != 0; last = steps[last].from) mark(steps[last].id, 1);
    mark(start, 1);
  };
  constexpr std::size_t kShort = 64;
  const auto mark_all = [&](std::uint8_t answer) {
    for (const Step& step : steps) mark(step.id, answer);
  };
  for (std::size_t i = 0; i < steps.size() && !exhausted(); ++i) {
    if (i == kShort) {
      mark_all(0);
      const RegexId wider = relaxed(start);
      const bool none = wider != start && is_empty(wider);
      mark_all(none ? 2 : kSeen);
      if (none) return true;
    }
    // A string often may end here.
    if (known(derive(steps[i].id, '"')) == 1) {
      found(i);
      return false;
    }
    for (const auto& [set, representative] : classes(steps[i].id)) {
      const RegexId to = derive(steps[i].id, representative);
      const std::uint8_t answer = known(to);
      if (answer == 1) {
        found(i);
        return false;
      }
      if (answer != 0) continue;
      mark(to, kSeen);
      steps.push_back({to, i});
    }
  }
  mark_all(exhausted() ? 0 : 2);
  return true;
}

std::size_t RegexStore::count_texts(RegexId id, std::size_t limit) {
  std::vector<std::string> texts;
  return list_texts(id, limit, texts) ? texts.size() : limit;
}

bool RegexStore::list_texts(RegexId start, std::size_t limit, std::vector<std::string>& out) {
  constexpr std::size_t kMaxLength = 256;
  std::size_t steps = 0;
  std::string text;
  const std::function<bool(RegexId)> visit = [&](RegexId id) {
    if (exhausted() || ++steps > limit * 64 || text.size() > kMaxLength) return false;
    if (nodes_[id].nullable) out.push_back(text);
    if (out.size() >= limit) return false;
    for (const auto& [set, representative] : classes(id)) {
      const RegexId to = next(id, representative);
      if (to == kNothing) continue;
      if (static_cast<std::size_t>(set.count()) >= limit) return false;
      bool fits = true;
      set.each([&](unsigned byte) {
        text.push_back(static_cast<char>(byte));
        fits = fits && visit(to);
        text.pop_back();
      });
      if (!fits) return false;
    }
    return true;
  };
  return visit(start);
}

// Depth of the recursion: the text's length.
RegexId RegexStore::without(RegexId literals, std::string_view text) {
  const std::span<const RegexId> of = members(literals);
  const std::vector<RegexId> members(of.begin(), of.end());
  std::vector<RegexId> left;
  for (const RegexId member : members) {
    if (member == kNothing || (member == kEmptyText && text.empty())) continue;
    const Node node = nodes_[member];
    const RegexId head = node.kind == Kind::kConcat ? node.a : member;
    ByteSet set;
    if (nodes_[head].kind == Kind::kSet) set = sets_[nodes_[head].a];
    if (text.empty() || !set.has(static_cast<unsigned char>(text[0]))) {
      left.push_back(member);
    } else if (head != member) {
      left.push_back(concat(head, without(node.b, text.substr(1))));
    } else {
      if (text.size() == 1) set.remove(static_cast<unsigned char>(text[0]));
      left.push_back(bytes(set));
    }
  }
  return any_of(std::move(left));
}

std::optional<RegexStore::Repetition> RegexStore::repetition_of(RegexId id, RegexId a) const {
  const Node& node = nodes_[id];
  if (node.kind != Kind::kConcat || node.boolean) return std::nullopt;
  const Node& head = nodes_[node.a];
  if (head.kind != Kind::kRepeat || head.a != a) return std::nullopt;
  return Repetition{head.b, head.c, node.b};
}

// Of expressions that hold no complement, intersection or number. `budget`: expressions that are
// looked at; what is left out is taken to be far.
RegexStore::Ends RegexStore::ends_of(RegexId id, int& budget) {
  constexpr std::size_t kFar = std::size_t{1} << 30;
  const auto known = ends_.find(id);
  if (known != ends_.end()) return known->second;
  if (--budget < 0) return {kFar, kFar};
  const Node node = nodes_[id];
  Ends ends{kFar, kFar};
  if (node.kind == Kind::kEmpty) {
    ends = {0, 0};
  } else if (node.kind == Kind::kSet) {
    ends = {1, 1};
  } else if (node.kind == Kind::kConcat) {
    const Ends a = ends_of(node.a, budget), b = ends_of(node.b, budget);
    ends = {a.shortest + b.shortest, std::max(a.furthest + b.shortest, b.furthest)};
  } else if (node.kind == Kind::kAnyOf) {
    ends.furthest = 0;
    for (std::uint32_t i = 0; i < node.b; ++i) {
      const Ends one = ends_of(lists_[node.a + i], budget);
      ends = {std::min(ends.shortest, one.shortest), std::max(ends.furthest, one.furthest)};
    }
  } else if (node.kind == Kind::kRepeat) {
    const Ends one = ends_of(node.a, budget);
    const std::size_t whole = node.b * one.shortest;
    ends = {whole, std::max(whole, one.furthest + (whole == 0 ? 0 : whole - one.shortest))};
  }
  ends = {std::min(ends.shortest, kFar), std::min(ends.furthest, kFar)};
  if (budget >= 0) ends_.emplace(id, ends);
  return ends;
}

std::optional<RegexId> RegexStore::without_limit(RegexId id, RegexId character, RegexId tail,
                                                 std::size_t bytes) {
  const Node& node = nodes_[id];
  if (node.kind != Kind::kAllOf || node.b != 2) return std::nullopt;
  for (const std::size_t i : {0, 1}) {
    int budget = 2000;
    const auto limit = repetition_of(list(node)[i], character);
    const RegexId other = list(node)[1 - i];
    if (limit && limit->min == 0 && limit->tail == tail && !nodes_[other].boolean &&
        limit->max >= bytes + ends_of(other, budget).furthest)
      return other;
  }
  return std::nullopt;
}

// States are explored; those without a way to a cycle have finitely many ends.
bool RegexStore::has_finite_ends(RegexId start) {
  constexpr std::size_t kMaxStates = 200;
  std::vector<RegexId> states{start};
  std::vector<std::vector<std::size_t>> moves;
  std::unordered_map<RegexId, std::size_t> index{{start, 0}};
  for (std::size_t i = 0; i < states.size(); ++i) {
    moves.emplace_back();
    for (const auto& [set, representative] : classes(states[i])) {
      const RegexId to = next(states[i], representative);
      if (to == kNothing) continue;
      const auto [at, inserted] = index.emplace(to, states.size());
      if (inserted) states.push_back(to);
      moves[i].push_back(at->second);
      if (states.size() > kMaxStates || exhausted()) return true;
    }
  }
  // Take away what has no moves left, again and again: what stays reaches a cycle.
  std::vector<bool> finite(states.size(), false);
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < states.size(); ++i) {
      if (finite[i]) continue;
      if (std::all_of(moves[i].begin(), moves[i].end(), [&](std::size_t to) { return finite[to]; }))
        finite[i] = changed = true;
    }
  }
  return std::find(finite.begin(), finite.end(), true) != finite.end();
}

std::span<const RegexId> RegexStore::members(const RegexId& id) const {
  if (nodes_[id].kind == Kind::kAnyOf) return list(nodes_[id]);
  return {&id, 1};
}

}  // namespace aquilon::constraint
