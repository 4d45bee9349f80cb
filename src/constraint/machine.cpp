#include <algorithm>

#include "constraint/machine_internal.h"

namespace aquilon::constraint {
namespace {

constexpr std::uint32_t kLexemeBase = 1u << 16;  // below: whitespace read before a frame's token
constexpr std::uint32_t kManyTag = 0xFFFFFFFE;
constexpr std::uint32_t kNewLine = 1u << 15;  // whitespace states after a line end

std::uint64_t mix(std::uint64_t h, std::uint64_t value) {
  h = (h ^ value) * 0x9E3779B97F4A7C15ULL;
  return h ^ (h >> 29);
}

std::uint32_t lexeme_of(State state) {
  return static_cast<std::uint32_t>(state >> 32);
}
std::uint32_t low_of(State state) {
  return static_cast<std::uint32_t>(state);
}

bool is_space(unsigned char byte) {
  return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

}  // namespace

Machine::Machine(std::unique_ptr<RegexStore> store, WhitespacePolicy whitespace,
                 MachineLimits limits)
    : store_(std::move(store)), strings_(*store_), whitespace_(whitespace), limits_(limits) {
  frame_table_.assign(1024, 0);
  memo_.assign(2048, {});
  frames_.reserve(256);
  frame({});         // 0: nothing more
  words_id({});      // 0: no keys
  texts_.resize(2);  // 0: none kept, 1: nothing written yet
}

std::size_t Machine::memory_bytes() const {
  return store_->memory_bytes() + schema_.bytes + frames_.size() * (sizeof(Frame) + 8) +
         memo_.size() * sizeof(Memo) + sets_.size() * 160 + keys_.size() * 1200 + words_bytes_ +
         texts_.size() * 48 + values_.size() * 128;
}

std::uint32_t Machine::frame(const Frame& value) {
  std::uint64_t h = mix(static_cast<std::uint64_t>(value.kind) << 32 | value.shape,
                        std::uint64_t{value.seen} << 32 | value.count);
  h = mix(h, std::uint64_t{value.marks} << 32 | value.text);
  h = mix(h, value.parent);
  std::size_t mask = frame_table_.size() - 1, at = h & mask;
  while (frame_table_[at] != 0) {
    if (frames_[frame_table_[at] - 1] == value) return frame_table_[at] - 1;
    at = (at + 1) & mask;
  }
  const auto id = static_cast<std::uint32_t>(frames_.size());
  frames_.push_back(value);
  frame_table_[at] = id + 1;
  if (frames_.size() * 2 > frame_table_.size()) {
    std::vector<std::uint32_t> ids = std::move(frame_table_);
    frame_table_.assign(ids.size() * 2, 0);
    mask = frame_table_.size() - 1;
    for (const std::uint32_t entry : ids) {
      if (entry == 0) continue;
      const Frame& f = frames_[entry - 1];
      std::uint64_t again = mix(static_cast<std::uint64_t>(f.kind) << 32 | f.shape,
                                std::uint64_t{f.seen} << 32 | f.count);
      again = mix(mix(again, std::uint64_t{f.marks} << 32 | f.text), f.parent);
      std::size_t to = again & mask;
      while (frame_table_[to] != 0) to = (to + 1) & mask;
      frame_table_[to] = entry;
    }
  }
  return id;
}

State Machine::state_of(Threads& threads) {
  if (threads.empty()) return kDead;
  if (threads.size() == 1) return threads[0];
  std::sort(threads.begin(), threads.end());
  threads.erase(std::unique(threads.begin(), threads.end()), threads.end());
  if (threads.size() == 1) return threads[0];
  if (threads.size() > limits_.threads) {
    exhausted_ = true;
    return kDead;
  }
  std::string key(reinterpret_cast<const char*>(threads.data()), threads.size() * sizeof(State));
  const auto [at, inserted] =
      set_index_.emplace(std::move(key), static_cast<std::uint32_t>(sets_.size()));
  if (inserted) sets_.push_back(threads);
  return thread(kManyTag, at->second);
}

void Machine::prepare_schema() {
  json_ = true;
  key_starts_.assign(schema_.objects.size(), 0);
  for (const ObjectShape& shape : schema_.objects) finite_keys_ = finite_keys_ || shape.finite_free;
  for (const ArrayShape& shape : schema_.arrays) keeps_texts_ = keeps_texts_ || shape.unique;
}

State Machine::start_schema() {
  prepare_schema();
  only_json_ = true;
  return thread(0, frame({.kind = Kind::kValue, .shape = schema_.root, .parent = 0}));
}

State Machine::start_regex(RegexId id) {
  Threads threads;
  push_lexeme(id, 0, 0, threads);
  return state_of(threads);
}

State Machine::start_cfg() {
  if (!schema_.values.empty()) prepare_schema();
  Threads threads;
  enter_cfg(cfg_.start, 0, threads, 0);
  return state_of(threads);
}

State Machine::step(State state, unsigned char byte) {
  if (state == kDead) return kDead;
  const std::uint32_t lexeme = lexeme_of(state);
  if (lexeme >= kLexemeBase && lexeme < kManyTag) {
    // Within a lexeme only the lexeme's own state changes.
    const Frame& f = frames_[low_of(state)];
    if (f.kind == Kind::kKey && f.text == 0) {
      const std::uint32_t next = key_next(lexeme - kLexemeBase, byte);
      if (next != kNoNode)
        return key_alive(keys_[next], f) ? thread(next + kLexemeBase, low_of(state)) : kDead;
    } else if (f.kind != Kind::kKey && f.kind != Kind::kText) {
      const RegexId next = store_->next(lexeme - kLexemeBase, byte);
      if (next == kNothing) return kDead;
      if (!store_->nullable(next)) return thread(next + kLexemeBase, low_of(state));
    }
  }
  if (lexeme < kLexemeBase && is_space(byte) && frames_[low_of(state)].kind != Kind::kDone)
    return after_space(lexeme, low_of(state), byte);
  std::size_t mask = memo_.size() - 1;
  std::size_t at = mix(state, byte) & mask;
  while (memo_[at].from != kDead) {
    if (memo_[at].from == state && memo_[at].byte == byte) return memo_[at].to;
    at = (at + 1) & mask;
  }
  if (memory_bytes() > limits_.memory_bytes) exhausted_ = true;
  if (exhausted()) return kDead;
  const State to = step_slow(state, byte);
  memo_[at] = {state, to, byte};
  if (++memo_used_ * 2 > memo_.size()) {
    std::vector<Memo> old = std::move(memo_);
    memo_.assign(old.size() * 2, {});
    mask = memo_.size() - 1;
    for (const Memo& entry : old) {
      if (entry.from == kDead) continue;
      at = mix(entry.from, entry.byte) & mask;
      while (memo_[at].from != kDead) at = (at + 1) & mask;
      memo_[at] = entry;
    }
  }
  return to;
}

bool Machine::in_value(State state) const {
  if (only_json_) return true;
  const auto begun = [&](State one) {
    const Frame& f = frames_[low_of(one)];
    const Kind kind = f.kind == Kind::kValue ? frames_[f.parent].kind : f.kind;
    return kind != Kind::kDone && kind != Kind::kCfg;
  };
  if (state == kDead) return false;
  if (lexeme_of(state) != kManyTag) return begun(state);
  const Threads& threads = sets_[low_of(state)];
  return std::any_of(threads.begin(), threads.end(), begun);
}

bool Machine::in_text(State state) const {
  const auto holds = [&](State one) {
    return lexeme_of(one) >= kLexemeBase && frames_[low_of(one)].kind == Kind::kText;
  };
  if (lexeme_of(state) != kManyTag) return holds(state);
  const Threads& threads = sets_[low_of(state)];
  return std::any_of(threads.begin(), threads.end(), holds);
}

State Machine::step_in_walk(State state, std::string_view walked) {
  if (lexeme_of(state) != kManyTag) {
    const RegexId next =
        store_->next(lexeme_of(state) - kLexemeBase, static_cast<unsigned char>(walked.back()));
    if (next == kNothing) return kDead;
    if (!store_->nullable(next)) return thread(next + kLexemeBase, low_of(state));
  }
  if (memory_bytes() > limits_.memory_bytes) exhausted_ = true;
  if (exhausted()) return kDead;
  walked_ = walked;
  const State to = step_slow(state, static_cast<unsigned char>(walked.back()));
  walked_ = {};
  return to;
}

State Machine::step_slow(State state, unsigned char byte) {
  Threads out = std::move(scratch_);
  out.clear();
  if (lexeme_of(state) == kManyTag) {
    const Threads from = sets_[low_of(state)];
    if (!store_->spend(from.size())) return kDead;
    for (const State one : from) step_thread(lexeme_of(one), low_of(one), byte, out);
  } else {
    step_thread(lexeme_of(state), low_of(state), byte, out);
  }
  const State to = state_of(out);
  scratch_ = std::move(out);
  return to;
}

State Machine::after_space(std::uint32_t lexeme, std::uint32_t at, unsigned char byte) const {
  if (byte == '\n')
    return lexeme < kNewLine && whitespace_.line_ends > 0 ? thread(kNewLine, at) : kDead;
  const bool fits =
      lexeme < kNewLine ? lexeme < whitespace_.blanks : lexeme - kNewLine < whitespace_.indent;
  return fits ? thread(lexeme + 1, at) : kDead;
}

void Machine::step_thread(std::uint32_t lexeme, std::uint32_t at, unsigned char byte,
                          Threads& out) {
  const Frame f = frames_[at];
  if (lexeme >= kLexemeBase) {
    if (f.kind == Kind::kKey) return step_key(lexeme - kLexemeBase, f, byte, out);
    const RegexId next = store_->next(lexeme - kLexemeBase, byte);
    if (next == kNothing) return;
    if (f.kind == Kind::kText && !walked_.empty()) {
      std::uint32_t text = f.text;
      if (store_->nullable(next)) {
        for (const char c : walked_) text = append_text(text, static_cast<unsigned char>(c));
        complete(f.parent, text, out);
      }
      if (next != kEmptyText && !store_->first(next).empty())
        out.push_back(thread(next + kLexemeBase, at));
      return;
    }
    if (f.kind == Kind::kText) return push_lexeme(next, f.parent, append_text(f.text, byte), out);
    return push_lexeme(next, at, 0, out);
  }
  if (is_space(byte) && f.kind != Kind::kDone) {
    if (const State to = after_space(lexeme, at, byte); to != kDead) out.push_back(to);
    return;
  }
  step_structure(at, byte, out);
}

void Machine::step_structure(std::uint32_t at, unsigned char byte, Threads& out) {
  const Frame f = frames_[at];
  const std::uint32_t text = f.text == 0 ? 0 : append_text(f.text, byte);
  switch (f.kind) {
    case Kind::kValue:
      return step_value(f.shape, f.parent, f.text, byte, out);
    case Kind::kObjectOpen:
    case Kind::kObjectNext:
    case Kind::kObjectComma:
      return step_object(f, byte, text, out);
    case Kind::kColon:
      if (byte == ':')
        out.push_back(thread(
            0, frame({.kind = Kind::kValue, .shape = f.shape, .text = text, .parent = f.parent})));
      return;
    case Kind::kArrayOpen:
    case Kind::kArrayNext:
      return step_array(f, byte, text, out);
    default:
      return;
  }
}

// `text`: what was written before `byte`.
void Machine::step_value(ValueId id, std::uint32_t parent, std::uint32_t text, unsigned char byte,
                         Threads& out) {
  const ValueShape& value = schema_.values[id];
  const std::uint32_t written = text == 0 ? 0 : append_text(text, byte);
  if (byte == '{') {
    for (const std::uint32_t shape : value.objects)
      out.push_back(thread(
          0,
          frame({.kind = Kind::kObjectOpen, .shape = shape, .text = written, .parent = parent})));
    return;
  }
  if (byte == '[') {
    for (const std::uint32_t shape : value.arrays) {
      const bool keeps = schema_.arrays[shape].unique && written == 0;
      const std::uint32_t counters =
          words_id(std::vector<std::uint64_t>(schema_.arrays[shape].counted.size(), 0));
      out.push_back(thread(0, frame({.kind = Kind::kArrayOpen,
                                     .shape = shape,
                                     .marks = counters,
                                     .text = keeps ? 1 : written,
                                     .parent = parent})));
    }
    return;
  }
  RegexId lexeme = value.scalar;
  const Frame& holder = frames_[parent];
  if (holder.kind == Kind::kArrayNext && holder.seen != 0 && schema_.arrays[holder.shape].unique)
    lexeme = item_lexeme(id, holder.seen);
  const RegexId next = store_->next(lexeme, byte);
  if (next != kNothing) push_lexeme(next, parent, written, out);
}

void Machine::push_lexeme(RegexId lexeme, std::uint32_t parent, std::uint32_t text, Threads& out) {
  if (store_->nullable(lexeme)) complete(parent, text, out);
  if (lexeme == kEmptyText || store_->first(lexeme).empty()) return;
  const std::uint32_t top =
      text == 0 ? parent : frame({.kind = Kind::kText, .text = text, .parent = parent});
  out.push_back(thread(lexeme + kLexemeBase, top));
}

// A value has ended; `text` was written since the outermost unique item began (0: not kept).
void Machine::complete(std::uint32_t parent, std::uint32_t text, Threads& out) {
  Frame f = frames_[parent];
  if (f.kind == Kind::kCfg) return enter_cfg(f.shape, f.parent, out, 0);
  if (f.text == 0 || text == 0) {
    out.push_back(thread(0, parent));
    return;
  }
  if (f.kind == Kind::kArrayNext && schema_.arrays[f.shape].unique)
    return complete_item(f, text, out);
  f.text = text;
  out.push_back(thread(0, frame(f)));
}

bool Machine::accepting(State state) const {
  const auto done = [&](State one) {
    return lexeme_of(one) < kLexemeBase && frames_[low_of(one)].kind == Kind::kDone;
  };
  if (state == kDead) return false;
  if (lexeme_of(state) != kManyTag) return done(state);
  const Threads& threads = sets_[low_of(state)];
  return std::any_of(threads.begin(), threads.end(), done);
}

// Goes to every lexeme that may be next. A rule's end with nothing left to do is not kept on the
// stack, so that right recursion does not grow it.
void Machine::enter_cfg(std::uint32_t place, std::uint32_t parent, Threads& out, int depth) {
  constexpr int kMaxDepth = 2000;
  if (depth > kMaxDepth || out.size() > 4 * limits_.threads) {
    exhausted_ = true;
    return;
  }
  using Op = CfgInstruction::Kind;
  if (depth == 0) visited_.clear();
  while (!exhausted()) {
    if (!store_->spend(1 + visited_.size() / 64)) return;
    const CfgInstruction instruction = cfg_.code[place];
    switch (instruction.kind) {
      case Op::kJump:
        place = instruction.a;
        continue;
      case Op::kSplit:
        // A repetition of what may be empty comes here again without having read anything.
        if (std::find(visited_.begin(), visited_.end(), thread(place, parent)) != visited_.end())
          return;
        visited_.push_back(thread(place, parent));
        enter_cfg(instruction.a, parent, out, depth + 1);
        place = instruction.b;
        continue;
      case Op::kReturn: {
        const Frame f = frames_[parent];
        if (f.kind != Kind::kCfg) return out.push_back(thread(0, parent));
        place = f.shape;
        parent = f.parent;
        if (++depth > kMaxDepth) exhausted_ = true;
        continue;
      }
      case Op::kCall:
      case Op::kValue:
      case Op::kMatch: {
        std::uint32_t after = place + 1;
        while (cfg_.code[after].kind == Op::kJump) after = cfg_.code[after].a;
        const std::uint32_t back =
            cfg_.code[after].kind == Op::kReturn
                ? parent
                : frame({.kind = Kind::kCfg, .shape = after, .parent = parent});
        if (instruction.kind == Op::kCall) {
          place = instruction.a;
          parent = back;
          if (++depth > kMaxDepth) exhausted_ = true;
          continue;
        }
        if (instruction.kind == Op::kValue) {
          const Frame value{.kind = Kind::kValue, .shape = instruction.a, .parent = back};
          return out.push_back(thread(0, frame(value)));
        }
        const RegexId lexeme = instruction.a;
        if (store_->nullable(lexeme)) enter_cfg(after, parent, out, depth + 1);
        if (!store_->first(lexeme).empty()) out.push_back(thread(lexeme + kLexemeBase, back));
        return;
      }
    }
  }
}

}  // namespace aquilon::constraint
