// Finds the calls in an answer while it is written. What is no call stays text: nothing is lost or
// comes twice, however the text is cut, but for blanks between calls and beside them, and for calls
// that say the same as an earlier one where the dialect's models do not know when to end.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/tools/call_text.h"
#include "chat/tools/dialect.h"
#include "chat/tools/tool.h"

namespace aquilon::chat {

// What is certain of an answer: a piece of its text, or a whole call.
struct AnswerPiece {
  std::string text;
  std::optional<ToolCall> call;
};

// Threads: one user at a time. Time: linear in the text.
class CallReader {
 public:
  // `names`: of the tools that may be called. Static dialects only.
  CallReader(const Dialect& dialect, std::vector<std::string> names)
      : dialect_(&dialect), names_(std::move(names)) {}

  std::vector<AnswerPiece> push(std::string_view text);
  // The end of the answer: what was held back. A last call without its closing mark is one.
  std::vector<AnswerPiece> finish();

  // A call said the same as an earlier one.
  bool repeats() const { return repeats_; }
  std::size_t calls() const { return calls_; }
  // A call has been read, and nothing but blanks behind it.
  bool behind_call() const;

 private:
  enum class Mode { kText, kThinking, kCall, kAfterCall };
  using Pieces = std::vector<AnswerPiece>;

  bool step(bool last, Pieces& out);  // false: more text is needed
  bool step_text(bool last, Pieces& out);
  bool step_thinking(bool last, Pieces& out);
  bool step_call(bool last, Pieces& out);
  bool step_after(bool last);
  Match find_opening(std::size_t at);
  Match read_call();
  Match read_pattern_call();
  void give_up();
  void release(std::size_t bytes, Pieces& out);
  void enter_call(std::size_t at);
  void tell_call(Pieces& out);

  const Dialect* dialect_;
  std::vector<std::string> names_;
  Mode mode_ = Mode::kText;
  std::string held_;        // not yet told
  std::size_t at_ = 0;      // kText: no opening before; kCall: where the call begins
  std::size_t form_ = 0;    // kText: the first to try at `at_`; else the one that is read
  bool first_call_ = true;  // kCall: of this opening
  Extent extent_;
  bool extent_begun_ = false;
  ToolCall call_;
  std::size_t call_end_ = 0;
  std::string spaces_;          // blanks that are told if text follows them
  bool after_call_ = false;     // no text since the last call
  std::vector<ToolCall> told_;  // where none is told twice
  bool repeats_ = false;
  std::size_t calls_ = 0;  // that were told
};

}  // namespace aquilon::chat
