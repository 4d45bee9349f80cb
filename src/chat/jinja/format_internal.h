// Values as text: Python's str() and repr(), json.dumps, and printf-like formatting.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "chat/jinja/budget_internal.h"
#include "chat/jinja/value_internal.h"

namespace aquilon::chat::jinja {

// str(value). Text keeps its trust; what is made from other values is untrusted.
Result<TextPtr> to_text(Budget& budget, const Value& value);

// repr(float): the shortest digits that read back the same.
std::string float_repr(double value);

struct JsonStyle {
  bool ascii = false;  // \u escapes for all but ASCII
  bool sort_keys = false;
  bool pretty = false;  // newlines, and `indent` a level
  std::string indent = {};
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};
// json.dumps(value). Errors: values that JSON does not have, by type.
Result<std::string> to_json(Budget& budget, const Value& value, const JsonStyle& style);

// text % value: %s %r %a %c %d %i %u %x %X %o %f %F %e %E %g %G %%, with flags, width (at most
// 1000) and precision, from a tuple, one value or, as %(key)s, a dict.
Result<Value> percent_format(Budget& budget, const TracedText& format, const Value& value);
// "{} {0} {name}".format(...): without format specifications.
Result<Value> brace_format(Budget& budget, const TracedText& format, const CallArgs& args);

// Collects text whose size nobody knows beforehand, within the budget.
class BoundedWriter {
 public:
  explicit BoundedWriter(Budget& budget) : budget_(budget) {}
  Status put(std::string_view bytes);
  Status fill(std::size_t count, char c);
  Budget& budget() { return budget_; }
  std::string take() { return std::move(out_); }

 private:
  Budget& budget_;
  std::string out_;
};

}  // namespace aquilon::chat::jinja
