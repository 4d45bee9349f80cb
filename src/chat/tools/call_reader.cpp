#include "chat/tools/call_reader.h"

#include <algorithm>

namespace aquilon::chat {
namespace {

using Kind = PatternItem::Kind;

constexpr std::string_view kThink = "<think>";
constexpr std::string_view kEndThink = "</think>";

}  // namespace

std::vector<AnswerPiece> CallReader::push(std::string_view text) {
  held_ += text;
  Pieces out;
  while (step(false, out)) {
  }
  return out;
}

std::vector<AnswerPiece> CallReader::finish() {
  Pieces out;
  while (step(true, out)) {
  }
  if (!after_call_ && !spaces_.empty()) out.push_back({std::move(spaces_), std::nullopt});
  spaces_.clear();
  return out;
}

bool CallReader::step(bool last, Pieces& out) {
  switch (mode_) {
    case Mode::kText:
      return step_text(last, out);
    case Mode::kThinking:
      return step_thinking(last, out);
    case Mode::kCall:
      return step_call(last, out);
    case Mode::kAfterCall:
      break;
  }
  return step_after(last);
}

bool CallReader::step_text(bool last, Pieces& out) {
  for (; at_ < held_.size(); ++at_, form_ = 0) {
    const std::string_view rest = std::string_view(held_).substr(at_);
    const PatternMatch think = match_pattern(kThink, rest, {});
    Match found = think.match;
    if (found == Match::kWhole) {
      release(at_, out);
      mode_ = Mode::kThinking;
      at_ = kThink.size();
      return true;
    }
    const Match opening = find_opening(at_);
    if (opening == Match::kWhole) {
      release(at_, out);
      enter_call(match_pattern(dialect_->forms[form_].front, held_, names_).length);
      return true;
    }
    if (opening == Match::kBegun) found = opening;
    if (found == Match::kBegun && !last) {
      release(at_, out);
      at_ = 0;
      return false;
    }
  }
  release(held_.size(), out);
  at_ = 0;
  return false;
}

// Calls within thoughts are none.
bool CallReader::step_thinking(bool last, Pieces& out) {
  const std::size_t end = held_.find(kEndThink);
  if (end != held_.npos) {
    release(end + kEndThink.size(), out);
    mode_ = Mode::kText;
    at_ = 0;
    return true;
  }
  // What may begin the end stays.
  std::size_t kept = last ? 0 : std::min(held_.size(), kEndThink.size() - 1);
  while (kept > 0 && !kEndThink.starts_with(std::string_view(held_).substr(held_.size() - kept)))
    --kept;
  release(held_.size() - kept, out);
  return false;
}

// The first form from form_ on whose opening stands at `at`: form_ is it.
Match CallReader::find_opening(std::size_t at) {
  const std::string_view rest = std::string_view(held_).substr(at);
  for (std::size_t i = form_; i < dialect_->forms.size(); ++i) {
    const PatternMatch found = match_pattern(trigger_of(dialect_->forms[i]), rest, names_);
    if (found.match == Match::kNo) continue;
    form_ = i;
    return found.match;
  }
  return Match::kNo;
}

void CallReader::enter_call(std::size_t at) {
  mode_ = Mode::kCall;
  at_ = at;
  first_call_ = true;
  extent_begun_ = false;
}

bool CallReader::step_call(bool last, Pieces& out) {
  const CallForm& form = dialect_->forms[form_];
  const PatternMatch front =
      first_call_ ? match_pattern(form.front, held_, names_)
                  : PatternMatch{at_ < held_.size() ? Match::kWhole : Match::kBegun, at_};
  Match read = front.match;
  if (read == Match::kWhole) {
    at_ = front.length;
    read = form.call.starts_with('{') ? read_call() : read_pattern_call();
  }
  if (read == Match::kBegun && !last) return false;
  if (read != Match::kWhole) {
    give_up();
    return true;
  }
  held_.erase(0, call_end_);
  spaces_.clear();
  after_call_ = true;
  tell_call(out);
  mode_ = Mode::kAfterCall;
  return true;
}

void CallReader::tell_call(Pieces& out) {
  if (dialect_->weak) {
    const auto same = [&](const ToolCall& other) {
      return other.name == call_.name && other.arguments == call_.arguments;
    };
    if (std::any_of(told_.begin(), told_.end(), same)) {
      repeats_ = true;
      return;
    }
    told_.push_back(call_);
  }
  ++calls_;
  out.push_back({{}, std::move(call_)});
}

bool CallReader::behind_call() const {
  return after_call_ && (mode_ == Mode::kText || mode_ == Mode::kAfterCall) &&
         std::all_of(held_.begin(), held_.end(), is_space);
}

// No call after all: another form may know what it is, or else it is text.
void CallReader::give_up() {
  mode_ = Mode::kText;
  at_ = 0;
  form_ = first_call_ ? form_ + 1 : 0;
}

// {"name": ..., ...} at at_.
Match CallReader::read_call() {
  const std::string_view text = std::string_view(held_).substr(at_);
  if (!extent_begun_) {
    if (text.empty()) return Match::kBegun;
    extent_ = Extent();
    extent_begun_ = true;
  }
  const Match whole = extent_.scan(text);
  if (whole != Match::kWhole) return whole;
  auto call = read_call_object(text.substr(0, extent_.end()));
  if (!call || std::find(names_.begin(), names_.end(), call->name) == names_.end())
    return Match::kNo;
  call_ = std::move(*call);
  call_end_ = at_ + extent_.end();
  return Match::kWhole;
}

// A name, perhaps an id, and arguments at at_.
Match CallReader::read_pattern_call() {
  ToolCall call;
  std::size_t at = at_;
  for (const PatternItem& item : pattern_items(dialect_->forms[form_].call)) {
    const std::string_view text = std::string_view(held_).substr(at);
    PatternMatch found{Match::kNo, 0};
    if (item.kind == Kind::kArguments || item.kind == Kind::kKeywords) {
      const bool python = item.kind == Kind::kKeywords;
      const std::size_t begin = python ? at - 1 : at;  // with the bracket in front
      if (!extent_begun_) {
        if (text.empty() && !python) return Match::kBegun;
        extent_ = Extent(python ? "\"'" : "\"");
        extent_begun_ = true;
      }
      found.match = extent_.scan(std::string_view(held_).substr(begin));
      if (found.match != Match::kWhole) return found.match;
      found.length = extent_.end() - (python ? 2 : 0);
      const auto read = python ? read_keywords(text.substr(0, found.length))
                               : read_arguments(text.substr(0, found.length));
      if (!read) return Match::kNo;
      call.arguments = *read;
    } else if (item.kind == Kind::kText) {
      if (text.starts_with(item.text))
        found = {Match::kWhole, item.text.size()};
      else
        found.match = item.text.starts_with(text) ? Match::kBegun : Match::kNo;
    } else if (item.kind == Kind::kSpaces) {
      found = match_pattern("~", text, {});
    } else {
      const std::string_view sign = item.kind == Kind::kName ? "$N" : "$I";
      found = match_pattern(sign, text, names_);
      std::string& to = item.kind == Kind::kName ? call.name : call.id;
      to = text.substr(0, found.length);
    }
    if (found.match != Match::kWhole) return found.match;
    at += found.length;
  }
  call_ = std::move(call);
  call_end_ = at;
  return Match::kWhole;
}

// Behind a call of an opening that may have several: another one, or the end.
bool CallReader::step_after(bool last) {
  const CallForm& form = dialect_->forms[form_];
  const PatternMatch close = match_pattern(form.close, held_, names_);
  PatternMatch between{};
  if (!form.between.empty()) between = match_pattern(form.between, held_, names_);
  if (!form.close.empty() && close.match == Match::kBegun) {
    if (!last) return false;
    held_.clear();  // cut off in the middle of its mark
  }
  if (close.match == Match::kWhole && !(form.close.empty() && between.match != Match::kNo)) {
    held_.erase(0, close.length);
  } else if (between.match == Match::kBegun && !last) {
    return false;
  } else if (between.match == Match::kWhole && between.length < held_.size()) {
    enter_call(between.length);
    first_call_ = false;
    return true;
  } else if (between.match == Match::kWhole && !last) {
    return false;
  }
  mode_ = Mode::kText;
  at_ = 0;
  form_ = 0;
  return true;
}

// Tells the first bytes, but for blanks at their end.
void CallReader::release(std::size_t bytes, Pieces& out) {
  std::string text = spaces_ + held_.substr(0, bytes);
  held_.erase(0, bytes);
  const auto end = std::find_if_not(text.rbegin(), text.rend(), is_space).base();
  spaces_.assign(end, text.end());
  text.erase(end, text.end());
  if (text.empty()) return;
  after_call_ = false;
  out.push_back({std::move(text), std::nullopt});
}

}  // namespace aquilon::chat
