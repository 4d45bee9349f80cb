#include "chat/thinking.h"

#include <algorithm>
#include <array>

#include "chat/tools/call_pattern.h"  // is_space

namespace aquilon::chat {
namespace {

using constraint::Part;

constexpr ThinkingMarks kMistral{"[THINK]", "[/THINK]"};
constexpr ThinkingMarks kTags{"<think>", "</think>"};
constexpr std::size_t kTail = 16;  // tokens of a prompt's end that may hold a mark and blanks

bool is_control(std::string_view mark, const text::Tokenizer& tokenizer) {
  const text::TokenId id = tokenizer.find_token(mark);
  return id >= 0 && tokenizer.kind(id) == text::TokenKind::kControl;
}

std::size_t blanks_at_front(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_space) -
                                  text.begin());
}

std::size_t without_blanks_at_end(std::string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text.size();
}

// How much of the text's end may be the beginning of the mark.
std::size_t begun_mark(std::string_view text, std::string_view mark) {
  std::size_t length = std::min(text.size(), mark.size() - 1);
  while (!mark.starts_with(text.substr(text.size() - length))) --length;
  return length;
}

Part mark_part(const ThinkingMarks& marks, std::string_view mark) {
  return {.kind = marks.controls ? Part::Kind::kControl : Part::Kind::kText,
          .text = std::string(mark)};
}

}  // namespace

std::optional<ThinkingMarks> thinking_of_template(std::string_view source,
                                                  const text::Tokenizer& tokenizer) {
  for (ThinkingMarks marks : {kMistral, kTags}) {
    if (source.find(marks.close) == source.npos) continue;
    marks.controls = is_control(marks.open, tokenizer) && is_control(marks.close, tokenizer);
    return marks;
  }
  return std::nullopt;
}

std::optional<ThinkingMarks> thinking_of_mistral(const text::Tokenizer& tokenizer) {
  ThinkingMarks marks = kMistral;
  marks.controls = is_control(marks.open, tokenizer) && is_control(marks.close, tokenizer);
  if (!marks.controls) return std::nullopt;
  return marks;
}

Thinking thinking_after(const ThinkingMarks& marks, const std::vector<text::TokenId>& prompt,
                        const text::Tokenizer& tokenizer) {
  if (marks.controls) {
    const std::array<text::TokenId, 2> ids{tokenizer.find_token(marks.open),
                                           tokenizer.find_token(marks.close)};
    const auto last = std::find_first_of(prompt.rbegin(), prompt.rend(), ids.begin(), ids.end());
    if (last != prompt.rend() && *last == ids[0]) return Thinking::kBegun;
  }
  const std::size_t from = prompt.size() - std::min(prompt.size(), kTail);
  std::string tail = text::decode(tokenizer, std::span(prompt).subspan(from), true);
  tail.resize(without_blanks_at_end(tail));
  if (tail.ends_with(marks.open)) return Thinking::kBegun;
  return tail.ends_with(marks.close) ? Thinking::kNone : Thinking::kPossible;
}

Part thinking_part(const ThinkingMarks& marks, Thinking state) {
  Part thought{.kind = Part::Kind::kSequence};
  if (state == Thinking::kPossible) thought.parts.push_back(mark_part(marks, marks.open));
  thought.parts.push_back({.kind = Part::Kind::kWithout, .parts = {mark_part(marks, marks.close)}});
  thought.parts.push_back(mark_part(marks, marks.close));
  if (!marks.controls)
    thought.parts.push_back({.kind = Part::Kind::kPattern, .text = "[ \\n]{0,8}"});
  if (state == Thinking::kBegun) return thought;
  return {.kind = Part::Kind::kRepeat, .parts = {std::move(thought)}, .min = 0, .max = 1};
}

std::vector<ThinkingReader::Piece> ThinkingReader::push(std::string_view text) {
  held_ += text;
  std::vector<Piece> out;
  while (step(false, out)) {
  }
  return out;
}

std::vector<ThinkingReader::Piece> ThinkingReader::finish() {
  std::vector<Piece> out;
  while (step(true, out)) {
  }
  return out;
}

bool ThinkingReader::step(bool last, std::vector<Piece>& out) {
  switch (mode_) {
    case Mode::kStart:
      return step_start(last);
    case Mode::kThought:
      return step_to(marks_.close, Mode::kAnswer, last, out);
    case Mode::kAnswer:
      break;
  }
  if (marks_.controls) return step_to(marks_.open, Mode::kThought, last, out);
  release(held_.size(), out);
  return false;
}

bool ThinkingReader::step_start(bool last) {
  const std::size_t blanks = blanks_at_front(held_);
  const std::string_view text = std::string_view(held_).substr(blanks);
  if (text.starts_with(marks_.open)) {
    held_.erase(0, blanks + marks_.open.size());
    enter(Mode::kThought);
    return true;
  }
  if (marks_.open.starts_with(text) && !last) return false;
  enter(begun_ ? Mode::kThought : Mode::kAnswer);
  drop_blanks_ = begun_ && !marks_.controls;
  return true;
}

// Up to the mark, or to what may become one.
bool ThinkingReader::step_to(std::string_view mark, Mode next, bool last, std::vector<Piece>& out) {
  const std::size_t at = held_.find(mark);
  if (at == held_.npos) {
    std::size_t sure = held_.size() - (last ? 0 : begun_mark(held_, mark));
    if (mode_ == Mode::kThought && !marks_.controls)
      sure = without_blanks_at_end(std::string_view(held_).substr(0, sure));
    release(sure, out);
    return false;
  }
  const bool trims = mode_ == Mode::kThought && !marks_.controls;
  const std::string_view before = std::string_view(held_).substr(0, at);
  const std::size_t kept = trims ? without_blanks_at_end(before) : at;
  release(kept, out);
  held_.erase(0, at - kept + mark.size());
  enter(next);
  return true;
}

void ThinkingReader::release(std::size_t bytes, std::vector<Piece>& out) {
  std::string text = held_.substr(0, bytes);
  held_.erase(0, bytes);
  if (drop_blanks_) text.erase(0, blanks_at_front(text));
  if (text.empty()) return;
  drop_blanks_ = false;
  out.push_back({std::move(text), mode_ == Mode::kThought});
}

void ThinkingReader::enter(Mode mode) {
  mode_ = mode;
  drop_blanks_ = !marks_.controls;
}

}  // namespace aquilon::chat
