#include <algorithm>
#include <optional>
#include <unordered_map>

#include "constraint/cfg_reader_internal.h"

namespace aquilon::constraint {
namespace {

using Kind = CfgExpression::Kind;
using Op = CfgInstruction::Kind;

constexpr std::size_t kMaxCode = 200'000;

std::size_t size_of(const CfgExpression& e) {
  std::size_t size = 1;
  for (const CfgExpression& part : e.parts) size += size_of(part);
  return size;
}

CfgExpression sequence(std::vector<CfgExpression> parts) {
  CfgExpression e{Kind::kSequence};
  e.parts = std::move(parts);
  return e;
}

class Compiler {
 public:
  Compiler(CfgSource& source, RegexStore& store, CfgProgram& program)
      : source_(source), store_(store), program_(program) {}

  Status compile() {
    for (const CfgRule& rule : source_.rules)
      if (!rule.defined)
        return make_error(Code::kInvalidArgument, "the rule '{}' is used but not defined",
                          rule.name);
    for (std::uint32_t i = 0; i < source_.rules.size() && !too_large_; ++i)
      remove_left_recursion(i);
    if (!too_large_) order_rules();
    find_nullable();
    if (too_large_) return too_large();
    AQ_RETURN_IF_ERROR(refuse_left_recursion());
    find_productive();
    if (too_large_) return too_large();
    if (!productive_[source_.start])
      return make_error(Code::kInvalidArgument, "no text satisfies the rule '{}'",
                        source_.rules[source_.start].name);
    regular_.assign(source_.rules.size(), std::nullopt);
    busy_.assign(source_.rules.size(), false);
    for (const std::uint32_t rule : order_) regular_rule(rule, 0);
    emitting_ = true;
    starts_.assign(source_.rules.size(), kUnset);
    pending_.push_back(source_.start);
    while (!pending_.empty() && !too_large_) emit_rule();
    for (const auto& [place, rule] : calls_) program_.code[place].a = starts_[rule];
    program_.start = starts_[source_.start];
    if (too_large_ || store_.exhausted()) return too_large();
    return {};
  }

 private:
  static constexpr std::uint32_t kUnset = 0xFFFFFFFF;

  Error too_large() const {
    return make_error(Code::kUnsupported, "the grammar {}",
                      store_.exhausted() ? store_.meter().shortage()
                                         : fmt::format("has more than {} instructions", kMaxCode));
  }
  // Parts looked at or copied: some 10 ns each.
  void spend(std::size_t parts) {
    if (!store_.spend(1 + parts / 4)) too_large_ = true;
  }

  // Alternatives as sequences, with choices at their beginnings spread out.
  void alternatives(const CfgExpression& e, std::vector<std::vector<CfgExpression>>& out) {
    if (e.kind == Kind::kChoice) {
      for (const CfgExpression& part : e.parts) alternatives(part, out);
    } else if (e.kind == Kind::kSequence && !e.parts.empty()) {
      std::vector<std::vector<CfgExpression>> heads;
      alternatives(e.parts[0], heads);
      spend(heads.size() * size_of(e));
      if (!store_.meter().hold(heads.size() * size_of(e) * sizeof(CfgExpression)))
        too_large_ = true;
      for (std::vector<CfgExpression>& head : heads) {
        if (too_large_) return;
        head.insert(head.end(), e.parts.begin() + 1, e.parts.end());
        out.push_back(std::move(head));
      }
    } else if (e.kind == Kind::kSequence) {
      out.emplace_back();
    } else {
      out.push_back({e});
    }
  }

  bool begins_with(const CfgExpression& e, std::uint32_t rule) const {
    switch (e.kind) {
      case Kind::kRule:
        return e.rule == rule;
      case Kind::kChoice:
        return std::any_of(e.parts.begin(), e.parts.end(),
                           [&](const CfgExpression& p) { return begins_with(p, rule); });
      case Kind::kSequence:
        return !e.parts.empty() && begins_with(e.parts[0], rule);
      default:
        return false;
    }
  }

  // a: a x | y becomes a: y x*.
  void remove_left_recursion(std::uint32_t rule) {
    CfgExpression& body = source_.rules[rule].body;
    if (!begins_with(body, rule)) return;
    std::vector<std::vector<CfgExpression>> all;
    alternatives(body, all);
    CfgExpression first{Kind::kChoice}, further{Kind::kChoice};
    for (std::vector<CfgExpression>& one : all) {
      const bool again = !one.empty() && one[0].kind == Kind::kRule && one[0].rule == rule;
      if (again) one.erase(one.begin());
      if (again && one.empty()) continue;  // a: a
      (again ? further : first).parts.push_back(sequence(std::move(one)));
    }
    CfgExpression repeat{Kind::kRepeat};
    repeat.max = kUnbounded;
    repeat.parts.push_back(std::move(further));
    body = sequence({std::move(first), std::move(repeat)});
  }

  bool is_nullable(const CfgExpression& e) const {
    const auto test = [&](const CfgExpression& part) { return is_nullable(part); };
    switch (e.kind) {
      case Kind::kText:
        return store_.nullable(e.text);
      case Kind::kRule:
        return nullable_[e.rule];
      case Kind::kSequence:
        return std::all_of(e.parts.begin(), e.parts.end(), test);
      case Kind::kChoice:
        return std::any_of(e.parts.begin(), e.parts.end(), test);
      case Kind::kRepeat:
        return e.min == 0 || is_nullable(e.parts[0]);
      case Kind::kValue:
        return false;
    }
    return false;
  }

  bool is_productive(const CfgExpression& e) const {
    const auto test = [&](const CfgExpression& part) { return is_productive(part); };
    switch (e.kind) {
      case Kind::kText:
        return !store_.is_empty(e.text);
      case Kind::kRule:
        return productive_[e.rule];
      case Kind::kSequence:
        return std::all_of(e.parts.begin(), e.parts.end(), test);
      case Kind::kChoice:
        return std::any_of(e.parts.begin(), e.parts.end(), test);
      case Kind::kRepeat:
        return e.min == 0 || is_productive(e.parts[0]);
      case Kind::kValue:
        return true;  // one that nothing satisfies is refused before
    }
    return false;
  }

  // Rules after those that they use, but for cycles: fixed points are then found in few rounds.
  void order_rules() {
    std::vector<std::vector<std::uint32_t>> uses(source_.rules.size());
    for (std::size_t i = 0; i < uses.size(); ++i) used_rules(source_.rules[i].body, uses[i]);
    std::vector<char> seen(uses.size());
    std::vector<std::pair<std::uint32_t, std::size_t>> open;  // rule, uses that were followed
    for (std::uint32_t root = 0; root < uses.size(); ++root) {
      if (!seen[root]) open.emplace_back(root, 0);
      seen[root] = 1;
      while (!open.empty()) {
        auto& [rule, next] = open.back();
        if (next == uses[rule].size()) {
          order_.push_back(rule);
          open.pop_back();
          continue;
        }
        const std::uint32_t to = uses[rule][next++];
        if (!seen[to]) open.emplace_back(to, 0);
        seen[to] = 1;
      }
    }
  }

  static void used_rules(const CfgExpression& e, std::vector<std::uint32_t>& out) {
    if (e.kind == Kind::kRule) out.push_back(e.rule);
    for (const CfgExpression& part : e.parts) used_rules(part, out);
  }

  template <class Test>
  void least_fixed_point(std::vector<bool>& holds, Test test) {
    holds.assign(source_.rules.size(), false);
    std::size_t size = 0;
    for (const CfgRule& rule : source_.rules) size += size_of(rule.body);
    for (bool changed = true; changed && !too_large_;) {
      changed = false;
      spend(size);
      for (const std::uint32_t rule : order_) {
        if (holds[rule] || !test(source_.rules[rule].body)) continue;
        holds[rule] = changed = true;
      }
    }
  }
  void find_nullable() {
    least_fixed_point(nullable_, [&](const CfgExpression& e) { return is_nullable(e); });
  }
  void find_productive() {
    least_fixed_point(productive_, [&](const CfgExpression& e) { return is_productive(e); });
  }

  void left_rules(const CfgExpression& e, std::vector<std::uint32_t>& out) const {
    if (e.kind == Kind::kRule) out.push_back(e.rule);
    for (const CfgExpression& part : e.parts) {
      left_rules(part, out);
      if (e.kind == Kind::kSequence && !is_nullable(part)) break;
    }
  }

  Status refuse_left_recursion() {
    enum : char { kNew, kOpen, kClosed };
    std::vector<char> state(source_.rules.size(), kNew);
    struct Visit {
      std::uint32_t rule;
      std::vector<std::uint32_t> left;
    };
    std::vector<Visit> open;
    const auto enter = [&](std::uint32_t rule) {
      state[rule] = kOpen;
      open.push_back({rule, {}});
      left_rules(source_.rules[rule].body, open.back().left);
    };
    for (std::uint32_t root = 0; root < state.size(); ++root) {
      if (state[root] == kNew) enter(root);
      while (!open.empty()) {
        Visit& top = open.back();
        if (top.left.empty()) {
          state[top.rule] = kClosed;
          open.pop_back();
          continue;
        }
        const std::uint32_t next = top.left.back();
        top.left.pop_back();
        if (state[next] == kOpen)
          return make_error(Code::kUnsupported,
                            "the rule '{}' begins with itself by way of others: rewrite it as a "
                            "repetition",
                            source_.rules[next].name);
        if (state[next] == kNew) enter(next);
      }
    }
    return {};
  }

  // The language of an expression that calls no recursive rule; nothing where it does.
  std::optional<RegexId> regular(const CfgExpression& e, int depth) {
    spend(1);
    if (depth > 1000 || too_large_) return std::nullopt;
    if (!emitting_) return find_regular(e, depth);
    const auto [at, inserted] = known_.try_emplace(&e, std::nullopt);
    if (inserted) {
      const auto id = find_regular(e, depth);
      known_[&e] = id;
      return id;
    }
    return at->second;
  }

  std::optional<RegexId> find_regular(const CfgExpression& e, int depth) {
    std::vector<RegexId> parts;
    for (const CfgExpression& part : e.parts) {
      const auto id = regular(part, depth + 1);
      if (!id) return std::nullopt;
      parts.push_back(*id);
    }
    switch (e.kind) {
      case Kind::kText:
        return e.text;
      case Kind::kRule:
        return regular_rule(e.rule, depth + 1);
      case Kind::kChoice:
        return store_.any_of(std::move(parts));
      case Kind::kRepeat:
        return store_.repeat(parts[0], e.min, e.max);
      case Kind::kValue:
        return std::nullopt;
      case Kind::kSequence:
        break;
    }
    RegexId id = kEmptyText;
    for (std::size_t i = parts.size(); i-- > 0;) id = store_.concat(parts[i], id);
    return id;
  }

  std::optional<RegexId> regular_rule(std::uint32_t rule, int depth) {
    if (regular_[rule]) return *regular_[rule] == kUnset ? std::nullopt : regular_[rule];
    if (busy_[rule]) return std::nullopt;  // calls itself
    busy_[rule] = true;
    const auto id = regular(source_.rules[rule].body, depth);
    busy_[rule] = false;
    // A rule met while its caller was open may be regular after all; it is found again later.
    if (id || depth == 0) regular_[rule] = id.value_or(kUnset);
    return id;
  }

  std::uint32_t here() const { return static_cast<std::uint32_t>(program_.code.size()); }
  std::uint32_t add(Op kind, std::uint32_t a = 0, std::uint32_t b = 0) {
    program_.code.push_back({kind, a, b});
    if (program_.code.size() > kMaxCode) too_large_ = true;
    return here() - 1;
  }

  void emit_rule() {
    const std::uint32_t rule = pending_.back();
    pending_.pop_back();
    if (starts_[rule] != kUnset) return;
    starts_[rule] = here();
    emit(source_.rules[rule].body);
    add(Op::kReturn);
  }

  void match(RegexId id) {
    if (id != kEmptyText) add(Op::kMatch, id);
  }

  void emit(const CfgExpression& e) {
    if (too_large_) return;
    if (const auto id = regular(e, 0)) return match(*id);
    switch (e.kind) {
      case Kind::kText:
        return match(e.text);
      case Kind::kRule:
        pending_.push_back(e.rule);
        calls_.emplace_back(add(Op::kCall), e.rule);
        return;
      case Kind::kSequence:
        return emit_sequence(e.parts);
      case Kind::kChoice:
        return emit_choice(e.parts);
      case Kind::kRepeat:
        return emit_repeat(e);
      case Kind::kValue:
        add(Op::kValue, e.value);
        return;
    }
  }

  void emit_sequence(const std::vector<CfgExpression>& parts) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      // Neighbours that are regular are one lexeme.
      RegexId together = kEmptyText;
      std::vector<RegexId> run;
      while (i < parts.size()) {
        const auto id = regular(parts[i], 0);
        if (!id) break;
        run.push_back(*id);
        ++i;
      }
      for (std::size_t k = run.size(); k-- > 0;) together = store_.concat(run[k], together);
      match(together);
      if (i < parts.size()) emit(parts[i]);
    }
  }

  void emit_choice(const std::vector<CfgExpression>& parts) {
    std::vector<const CfgExpression*> others;
    std::vector<RegexId> texts;
    for (const CfgExpression& part : parts) {
      if (!is_productive(part)) continue;
      if (const auto id = regular(part, 0))
        texts.push_back(*id);
      else
        others.push_back(&part);
    }
    std::vector<std::uint32_t> ends;
    const bool has_text = !texts.empty();
    for (std::size_t i = 0; i < others.size(); ++i) {
      const bool last = i + 1 == others.size() && !has_text;
      const std::uint32_t split = last ? kUnset : add(Op::kSplit, here() + 1);
      emit(*others[i]);
      if (last) break;
      ends.push_back(add(Op::kJump));
      program_.code[split].b = here();
    }
    if (has_text) match(store_.any_of(std::move(texts)));
    for (const std::uint32_t end : ends) program_.code[end].a = here();
  }

  void emit_repeat(const CfgExpression& e) {
    if (!is_productive(e.parts[0])) return;  // min is 0, or the rule would be unproductive
    for (std::uint32_t i = 0; i < e.min && !too_large_; ++i) emit(e.parts[0]);
    if (e.max == kUnbounded) {
      const std::uint32_t loop = add(Op::kSplit, here() + 1);
      emit(e.parts[0]);
      add(Op::kJump, loop);
      program_.code[loop].b = here();
      return;
    }
    std::vector<std::uint32_t> splits;
    for (std::uint32_t i = e.min; i < e.max && !too_large_; ++i) {
      splits.push_back(add(Op::kSplit, here() + 1));
      emit(e.parts[0]);
    }
    for (const std::uint32_t split : splits) program_.code[split].b = here();
  }

  CfgSource& source_;
  RegexStore& store_;
  CfgProgram& program_;
  std::vector<bool> nullable_, productive_, busy_;
  std::vector<std::uint32_t> order_;
  std::vector<std::optional<RegexId>> regular_;
  std::vector<std::uint32_t> starts_, pending_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> calls_;
  bool too_large_ = false;
  bool emitting_ = false;
  std::unordered_map<const CfgExpression*, std::optional<RegexId>> known_;  // while emitting
};

}  // namespace

Status compile_cfg(CfgSource& source, RegexStore& store, CfgProgram& program) {
  return Compiler(source, store, program).compile();
}

}  // namespace aquilon::constraint
