// Functions that templates may use: filters, tests, methods and globals, each in a table.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/jinja/interpreter_internal.h"
#include "chat/jinja/value_internal.h"

namespace aquilon::chat::jinja {

// Arguments of a built-in, sorted into its parameters.
class Arguments {
 public:
  Arguments(std::vector<std::optional<Value>> values, CallArgs rest)
      : values_(std::move(values)), rest_(std::move(rest)) {}

  // Null where it was left out.
  const Value* operator[](std::size_t index) const {
    return values_[index] ? &*values_[index] : nullptr;
  }
  bool flag(std::size_t index, bool fallback) const;
  Result<std::int64_t> integer(std::size_t index, std::int64_t fallback) const;
  // Text as it stands; errors for other types. Null: left out, or None.
  Result<const TracedText*> text(std::size_t index) const;
  // What is beyond the parameters of a variadic one.
  const CallArgs& rest() const { return rest_; }

 private:
  std::vector<std::optional<Value>> values_;
  CallArgs rest_;
};

using BuiltinFunction = Result<Value> (*)(Interpreter&, const Value& self, const Arguments&);

struct Builtin {
  std::string_view name;
  BuiltinFunction function;
  std::string_view parameters = "";  // names; "!" before one that must be given, "*" last: any more
};

// Errors: too many arguments, unknown or missing ones.
Result<Value> call_builtin(Interpreter& interpreter, const Builtin& builtin, const Value& self,
                           CallArgs args);

using TestFunction = Result<bool> (*)(Interpreter&, const Value& value, const CallArgs&);
struct Test {
  std::string_view name;
  TestFunction function;
  std::size_t arguments = 0;
};

// Null: no such thing.
const Builtin* find_filter(std::string_view name);
const Test* find_test(std::string_view name);
const Builtin* find_method(const Value& object, std::string_view name);
// Python's methods that we lack or refuse: `why`, or nothing where Python has none of that name.
std::optional<std::string> refused_method(const Value& object, std::string_view name);
// Filters that jinja2 has and we lack.
bool is_unsupported_filter(std::string_view name);

// raise_exception, strftime_now, range, namespace, dict.
void define_globals(Interpreter& interpreter);

// Tables, one a file.
std::span<const Builtin> text_filters();
std::span<const Builtin> sequence_filters();
std::span<const Builtin> selection_filters();
std::span<const Builtin> number_filters();
std::span<const Builtin> text_methods();
std::span<const Builtin> list_methods();
std::span<const Builtin> dict_methods();

const Builtin* find_in(std::span<const Builtin> table, std::string_view name);

}  // namespace aquilon::chat::jinja
