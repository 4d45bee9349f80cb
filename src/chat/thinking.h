// What models think before they answer: how they mark it, and how it is found in an answer's text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "constraint/parts.h"
#include "text/tokenizer.h"

namespace aquilon::chat {

struct ThinkingMarks {
  std::string_view open, close;
  // Control tokens of the vocabulary, which are what they are wherever they stand. Others count at
  // the beginning of an answer only, and blanks beside them belong to them.
  bool controls = false;
};

// Whether thoughts may come before an answer.
enum class Thinking {
  kNone,
  kPossible,
  kBegun,  // the prompt has opened them
};

// Those that a template speaks of. Nothing where it does of none.
std::optional<ThinkingMarks> thinking_of_template(std::string_view source,
                                                  const text::Tokenizer& tokenizer);
// Those of Mistral's formats, where the vocabulary has them as control tokens.
std::optional<ThinkingMarks> thinking_of_mistral(const text::Tokenizer& tokenizer);

// What a prompt leaves open: its ids end within thoughts, behind them, or before any.
Thinking thinking_after(const ThinkingMarks& marks, const std::vector<text::TokenId>& prompt,
                        const text::Tokenizer& tokenizer);

// Thoughts up to their end. Requires: state is not kNone.
constraint::Part thinking_part(const ThinkingMarks& marks, Thinking state);

// Tells thoughts from the answer while both are written, however the text is cut: nothing of it is
// lost or comes twice but for the marks, and for blanks beside them. Threads: one user at a time.
class ThinkingReader {
 public:
  struct Piece {
    std::string text;
    bool thought;
  };

  ThinkingReader(const ThinkingMarks& marks, bool begun) : marks_(marks), begun_(begun) {}

  std::vector<Piece> push(std::string_view text);
  // The end of the answer: what was held back.
  std::vector<Piece> finish();

 private:
  enum class Mode { kStart, kThought, kAnswer };

  bool step(bool last, std::vector<Piece>& out);  // false: more text is needed
  bool step_start(bool last);
  bool step_to(std::string_view mark, Mode next, bool last, std::vector<Piece>& out);
  void release(std::size_t bytes, std::vector<Piece>& out);
  void enter(Mode mode);

  ThinkingMarks marks_;
  bool begun_;
  Mode mode_ = Mode::kStart;
  std::string held_;          // not yet told
  bool drop_blanks_ = false;  // those at the beginning of what comes next
};

}  // namespace aquilon::chat
