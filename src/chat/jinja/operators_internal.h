// What Python's operators do with values. Errors name the types, without a line.
#pragma once

#include "base/result.h"
#include "chat/jinja/ast_internal.h"
#include "chat/jinja/budget_internal.h"
#include "chat/jinja/value_internal.h"

namespace aquilon::chat::jinja {

Error undefined_error(const Undefined& value);
// "cannot WHAT a TYPE", or that the value is undefined.
Error type_error(std::string_view what, const Value& value);

// == (never an error but for the budget), < <= > >=, and `in`.
Result<bool> equal(Budget& budget, const Value& a, const Value& b, int depth = 0);
Result<bool> ordered(Budget& budget, Operator op, const Value& a, const Value& b, int depth = 0);
Result<bool> contains(Budget& budget, const Value& container, const Value& item);
Result<bool> compare(Budget& budget, Operator op, const Value& a, const Value& b);

// + - * / // % ** with Python's rules for negative numbers; integers are 64 bits wide and overflow
// is an error. Text and lists: +, and * with an integer, whose result is budgeted before it is
// made.
Result<Value> arithmetic(Budget& budget, Operator op, const Value& a, const Value& b);
Result<Value> negate(const Value& value);

// What a for loop or a sequence filter goes through: items, characters, keys.
Result<std::vector<Value>> iterate(Budget& budget, const Value& value);

// One character a value, each with its own trust.
Result<std::vector<Value>> characters(Budget& budget, const TracedText& text);

}  // namespace aquilon::chat::jinja
