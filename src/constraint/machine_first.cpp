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

bool Machine::inside_string(State state, std::uint32_t& max) {
  if (!json_ || state == kDead) return false;
  bool free = false;
  max = 0;
  // All threads are at the same place of a JSON text: where one takes any characters of a string,
  // the others are within one as well.
  const auto look = [&](State one, bool alone) {
    const auto lexeme = static_cast<std::uint32_t>(one >> 32);
    if (lexeme < kLexemeBase) return;
    const Frame& f = frames_[static_cast<std::uint32_t>(one)];
    if (f.kind == Kind::kKey) {
      const KeyState& key = keys_[lexeme - kLexemeBase];
      if (key.others.empty() || is_tight(schema_.objects[f.shape], f)) return;
      std::uint32_t most = 0;
      RegexId tail = kNothing;
      for (const RegexId member : store_->members(key.others[0])) {
        const bool any =
            member == strings_.one_text ||
            (store_->is_repeat_before(member, strings_.one, tail, most) && most == kUnbounded);
        if (any) max = kUnbounded;
        free = free || any;
      }
      return;
    }
    const RegexId id = lexeme - kLexemeBase;
    const std::span<const RegexId> members = store_->members(id);
    for (const RegexId member : members) {
      std::uint32_t most = 0;
      RegexId tail = kNothing;
      for (const RegexId one_character : {strings_.any, strings_.one}) {
        if (!store_->is_repeat_before(member, one_character, tail, most)) continue;
        // A limit on characters holds for the whole only if nothing else is possible.
        if (most != kUnbounded && (!alone || members.size() > 1 || tail != strings_.quote))
          continue;
        max = std::max(max, most);
        free = true;
      }
    }
  };
  if (static_cast<std::uint32_t>(state >> 32) != kManyTag) {
    look(state, true);
    return free;
  }
  for (const State one : sets_[static_cast<std::uint32_t>(state)]) look(one, false);
  return free;
}

}  // namespace aquilon::constraint
