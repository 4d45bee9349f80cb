// Sorting as Python does it: stable, and an error where two keys cannot be compared.
#pragma once

#include <vector>

#include "base/result.h"
#include "chat/jinja/interpreter_internal.h"

namespace aquilon::chat::jinja {

struct Keyed {
  Value key;
  Value item;
};

// What filters compare of an item: the item, or its `attribute` (null: none; several, with commas
// between, give a list); text in lower case when `any_case`.
Result<Value> sort_key(Interpreter& interpreter, const Value& item, const Value* attribute,
                       bool any_case);

// The items, in the order of their keys.
Result<Value> sort_by_key(Budget& budget, std::vector<Keyed> keyed, bool reverse);

}  // namespace aquilon::chat::jinja
