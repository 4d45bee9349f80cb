// What string methods and filters have in common. Every byte keeps its trust; padding is untrusted.
// Offsets are bytes unless they say characters. Costs are charged before the work.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/jinja/budget_internal.h"
#include "chat/jinja/value_internal.h"

namespace aquilon::chat::jinja {

// Where `what` starts at or after `from`; npos: nowhere. Linear time whatever the bytes.
std::size_t find_bytes(std::string_view text, std::string_view what, std::size_t from = 0);
// Where the last `what` starts.
std::size_t find_last_bytes(std::string_view text, std::string_view what);

// At most `count` replacements; negative: all.
Result<Value> replace_text(Budget& budget, const TracedText& text, const TracedText& from,
                           const TracedText& to, std::int64_t count);

// str.split and str.rsplit. `separator` null: at runs of white space. `limit` negative: no limit.
Result<Value> split_text(Budget& budget, const TracedText& text, const TracedText* separator,
                         std::int64_t limit, bool from_right);
// str.partition and str.rpartition.
Result<Value> partition_text(Budget& budget, const TracedText& text, const TracedText& separator,
                             bool from_right);

// A line without its end; the end is [end, next).
struct Line {
  std::size_t begin;
  std::size_t end;
  std::size_t next;
};
std::vector<Line> split_lines(std::string_view text);

enum class Case {
  kUpper,
  kLower,
  kSwap,
  kCapitalize,   // the first character in title case, the rest lower
  kTitle,        // str.title: after everything that is not a letter
  kFilterTitle,  // jinja2's title filter: after white space, '-', and opening brackets
};
Result<Value> change_case(Budget& budget, const TracedText& text, Case rule);

Result<Value> strip_text(Budget& budget, const TracedText& text, const TracedText* chars, bool left,
                         bool right);

// `left` and `right` characters of padding around the text.
Result<Value> pad_text(Budget& budget, const TracedText& text, std::int64_t left,
                       std::int64_t right, char fill);

Result<Value> join_text(Budget& budget, const TracedText& separator,
                        const std::vector<TextPtr>& parts);

}  // namespace aquilon::chat::jinja
