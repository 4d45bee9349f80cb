// What may come next, without going there.
#include <algorithm>

#include "constraint/machine_internal.h"

namespace aquilon::constraint {
namespace {

constexpr std::uint32_t kLexemeBase = 1u << 16;
constexpr std::uint32_t kManyTag = 0xFFFFFFFE;

void add_spaces(ByteSet& set) {
  for (const char c : {' ', '\n', '\t', '\r'}) set.add(static_cast<unsigned char>(c));
}

}  // namespace

ByteSet Machine::first_of_value(ValueId id) {
  const auto found = value_first_.find(id);
  if (found != value_first_.end()) return found->second;
  const ValueShape& value = schema_.values[id];
  ByteSet set = store_->first(value.scalar);
  if (!value.objects.empty()) set.add('{');
  if (!value.arrays.empty()) set.add('[');
  value_first_[id] = set;
  return set;
}

ByteSet Machine::first_of_frame(const Frame& f) {
  ByteSet set;
  if (f.kind == Kind::kDone) return set;
  if (whitespace_.blanks + whitespace_.line_ends > 0) add_spaces(set);
  switch (f.kind) {
    case Kind::kValue:
      set |= first_of_value(f.shape);
      break;
    case Kind::kObjectOpen:
    case Kind::kObjectComma:
      set.add('"');
      if (f.kind == Kind::kObjectOpen) set.add('}');
      break;
    case Kind::kObjectNext:
      set.add(',');
      set.add('}');
      break;
    case Kind::kColon:
      set.add(':');
      break;
    case Kind::kArrayOpen: {
      set.add(']');
      const ArrayShape& shape = schema_.arrays[f.shape];
      for (const Choice& choice : shape.items[0]) set |= first_of_value(choice.value);
      break;
    }
    case Kind::kArrayNext:
      set.add(',');
      set.add(']');
      break;
    default:
      break;
  }
  return set;
}

ByteSet Machine::first(State state) {
  ByteSet set;
  if (state == kDead) return set;
  const auto add = [&](State one) {
    const auto lexeme = static_cast<std::uint32_t>(one >> 32);
    const Frame& f = frames_[static_cast<std::uint32_t>(one)];
    if (lexeme < kLexemeBase)
      set |= first_of_frame(f);
    else if (f.kind == Kind::kKey)
      set |= first_of_key(lexeme - kLexemeBase, f);
    else
      set |= store_->first(lexeme - kLexemeBase);
  };
  if (static_cast<std::uint32_t>(state >> 32) != kManyTag) {
    add(state);
    return set;
  }
  for (const State one : sets_[static_cast<std::uint32_t>(state)]) add(one);
  return set;
}

std::optional<Machine::FreeKey> Machine::free_key(State one) {
  const auto lexeme = static_cast<std::uint32_t>(one >> 32);
  const Frame f = frames_[static_cast<std::uint32_t>(one)];
  if (lexeme < kLexemeBase || f.kind != Kind::kKey || f.text != 0) return std::nullopt;
  const ObjectShape& shape = schema_.objects[f.shape];
  const KeyState& key = keys_[lexeme - kLexemeBase];
  if (key.others.size() != 1 || key.others[0] != strings_.one_text) return std::nullopt;
  if (is_tight(shape, f) || !free_key_in_order(shape, f)) return std::nullopt;
  const std::uint32_t node = key.node;
  Threads out;
  end_key(keys_[key_state(f.shape, kNoNode, {strings_.one_text})], f, 0, out);
  return FreeKey{&shape.tree, node, state_of(out)};
}

std::optional<RegexId> Machine::open_name(State one) const {
  const auto lexeme = static_cast<std::uint32_t>(one >> 32);
  const Frame& f = frames_[static_cast<std::uint32_t>(one)];
  if (lexeme < kLexemeBase || f.kind != Kind::kKey) return std::nullopt;
  const ObjectShape& shape = schema_.objects[f.shape];
  const KeyState& key = keys_[lexeme - kLexemeBase];
  if (key.others.empty() || is_tight(shape, f) || !free_key_in_order(shape, f)) return std::nullopt;
  return key.others[0];
}

bool Machine::takes_any_name(RegexId contents) const {
  const std::span<const RegexId> members = store_->members(contents);
  return std::any_of(members.begin(), members.end(), [&](RegexId member) {
    const auto repetition = store_->repetition_of(member, strings_.one);
    return member == strings_.one_text || (repetition && repetition->max == kUnbounded);
  });
}

void Machine::split(State state, std::vector<LexemeThreads>& lexemes, std::vector<State>& keys,
                    State& others) {
  others = kDead;
  if (state == kDead) return;
  Threads rest;
  const auto sort_in = [&](State one) {
    const auto lexeme = static_cast<std::uint32_t>(one >> 32);
    const auto at = static_cast<std::uint32_t>(one);
    const Kind kind = frames_[at].kind;
    if (lexeme < kLexemeBase) return rest.push_back(one);
    if (kind == Kind::kKey) return keys.push_back(one);
    const RegexId id = lexeme - kLexemeBase;
    // Threads are in the order of their lexemes.
    if (lexemes.empty() || lexemes.back().lexeme != id) lexemes.push_back({id, false, {}});
    lexemes.back().texts = lexemes.back().texts || kind == Kind::kText;
    lexemes.back().frames.push_back(at);
  };
  if (static_cast<std::uint32_t>(state >> 32) != kManyTag) {
    sort_in(state);
  } else {
    for (const State one : sets_[static_cast<std::uint32_t>(state)]) sort_in(one);
  }
  others = state_of(rest);
}

std::optional<Machine::BetweenLexemes> Machine::between_lexemes(State state) {
  Threads threads{state};
  if (static_cast<std::uint32_t>(state >> 32) == kManyTag)
    threads = sets_[static_cast<std::uint32_t>(state)];
  const auto spaces = static_cast<std::uint32_t>(threads[0] >> 32);
  for (State& one : threads) {
    const Kind kind = frames_[static_cast<std::uint32_t>(one)].kind;
    if (one >> 32 != spaces || spaces >= kLexemeBase || kind == Kind::kDone || kind == Kind::kCfg)
      return std::nullopt;
    one = thread(0, static_cast<std::uint32_t>(one));
  }
  return BetweenLexemes{spaces, state_of(threads)};
}

bool Machine::spaces_fit(std::uint32_t before, std::string_view spaces) const {
  State state = thread(before, 0);
  for (const char c : spaces) {
    if (state == kDead) break;
    state = after_space(static_cast<std::uint32_t>(state >> 32), 0, static_cast<unsigned char>(c));
  }
  return state != kDead;
}

State Machine::after_lexeme(const LexemeThreads& from, RegexId reached, std::string_view walked) {
  if (memory_bytes() > limits_.memory_bytes) exhausted_ = true;
  if (exhausted()) return kDead;
  Threads out;
  for (const std::uint32_t at : from.frames) {
    const Frame f = frames_[at];
    if (f.kind != Kind::kText) {
      push_lexeme(reached, at, 0, out);
      continue;
    }
    std::uint32_t text = f.text;
    for (const char c : walked) text = append_text(text, static_cast<unsigned char>(c));
    complete(f.parent, text, out);
    if (reached != kEmptyText && !store_->first(reached).empty())
      out.push_back(thread(reached + kLexemeBase, at));
  }
  return state_of(out);
}

}  // namespace aquilon::constraint
