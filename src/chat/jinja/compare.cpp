#include <algorithm>

#include "chat/jinja/operators_internal.h"
#include "chat/jinja/text_operations_internal.h"
#include "chat/jinja/unicode_internal.h"

namespace aquilon::chat::jinja {
namespace {

template <class T>
bool holds(Operator op, const T& a, const T& b) {
  switch (op) {
    case Operator::kLess:
      return a < b;
    case Operator::kLessEqual:
      return a <= b;
    case Operator::kGreater:
      return a > b;
    default:
      return a >= b;
  }
}

std::string_view symbol(Operator op) {
  switch (op) {
    case Operator::kLess:
      return "<";
    case Operator::kLessEqual:
      return "<=";
    case Operator::kGreater:
      return ">";
    default:
      return ">=";
  }
}

Status check_depth(int depth) {
  if (depth <= kMaxValueDepth) return {};
  return make_error(Code::kInvalidArgument, "values nested deeper than {} levels", kMaxValueDepth);
}

Result<bool> equal_lists(Budget& budget, const List& a, const List& b, int depth) {
  if (a.tuple != b.tuple || a.items.size() != b.items.size()) return false;
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!AQ_TRY(equal(budget, a.items[i], b.items[i], depth + 1))) return false;
  }
  return true;
}

Result<bool> equal_dicts(Budget& budget, const Dict& a, const Dict& b, int depth) {
  if (a.entries().size() != b.entries().size()) return false;
  for (const auto& [key, value] : a.entries()) {
    const Value* other = b.find(key);
    if (!other || !AQ_TRY(equal(budget, value, *other, depth + 1))) return false;
  }
  return true;
}

}  // namespace

Error undefined_error(const Undefined& value) {
  return make_error(Code::kInvalidArgument, "{}", *value.what);
}

Error type_error(std::string_view what, const Value& value) {
  if (const Undefined* undefined = value.undefined()) return undefined_error(*undefined);
  return make_error(Code::kInvalidArgument, "cannot {} a value of type {}", what,
                    value.type_name());
}

Result<bool> equal(Budget& budget, const Value& a, const Value& b, int depth) {
  AQ_RETURN_IF_ERROR(budget.spend(1));
  AQ_RETURN_IF_ERROR(check_depth(depth));
  if (a.text() && b.text()) {
    if (a.text()->size() != b.text()->size()) return false;
    AQ_RETURN_IF_ERROR(budget.spend_bytes(a.text()->size()));
    return a.text()->bytes() == b.text()->bytes();
  }
  if (a.as_integer() && b.as_integer()) return *a.as_integer() == *b.as_integer();
  if (a.is_number() && b.is_number()) return *a.as_float() == *b.as_float();
  if (a.list() && b.list()) return equal_lists(budget, *a.list(), *b.list(), depth);
  if (a.dict() && b.dict()) return equal_dicts(budget, *a.dict(), *b.dict(), depth);
  return (a.is_undefined() && b.is_undefined()) || a.same_object(b);
}

Result<bool> ordered(Budget& budget, Operator op, const Value& a, const Value& b, int depth) {
  AQ_RETURN_IF_ERROR(budget.spend(1));
  AQ_RETURN_IF_ERROR(check_depth(depth));
  if (a.as_integer() && b.as_integer()) return holds(op, *a.as_integer(), *b.as_integer());
  if (a.is_number() && b.is_number()) return holds(op, *a.as_float(), *b.as_float());
  if (a.text() && b.text()) {
    AQ_RETURN_IF_ERROR(budget.spend_bytes(std::min(a.text()->size(), b.text()->size())));
    return holds(op, a.text()->bytes(), b.text()->bytes());
  }
  if (a.list() && b.list() && a.list()->tuple == b.list()->tuple) {
    const auto& left = a.list()->items;
    const auto& right = b.list()->items;
    for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
      if (AQ_TRY(equal(budget, left[i], right[i], depth + 1))) continue;
      return ordered(budget, op, left[i], right[i], depth + 1);
    }
    return holds(op, left.size(), right.size());
  }
  for (const Value* side : {&a, &b}) {
    if (const Undefined* undefined = side->undefined()) return undefined_error(*undefined);
  }
  return make_error(Code::kInvalidArgument, "'{}' is not possible between {} and {}", symbol(op),
                    a.type_name(), b.type_name());
}

Result<bool> contains(Budget& budget, const Value& container, const Value& item) {
  if (const TracedText* text = container.text()) {
    if (!item.text()) return type_error("search a string for", item);
    AQ_RETURN_IF_ERROR(budget.spend_bytes(text->size()));
    return find_bytes(text->bytes(), item.text()->bytes()) != std::string_view::npos;
  }
  if (const List* list = container.list()) {
    for (const Value& element : list->items) {
      if (AQ_TRY(equal(budget, element, item))) return true;
    }
    return false;
  }
  if (const Dict* dict = container.dict()) return dict->find(item) != nullptr;
  if (container.is_undefined()) return false;
  return type_error("search", container);
}

Result<bool> compare(Budget& budget, Operator op, const Value& a, const Value& b) {
  switch (op) {
    case Operator::kEqual:
      return equal(budget, a, b);
    case Operator::kNotEqual:
      return !AQ_TRY(equal(budget, a, b));
    case Operator::kIn:
      return contains(budget, b, a);
    case Operator::kNotIn:
      return !AQ_TRY(contains(budget, b, a));
    default:
      return ordered(budget, op, a, b);
  }
}

Result<std::vector<Value>> characters(Budget& budget, const TracedText& text) {
  AQ_RETURN_IF_ERROR(budget.spend(text.size()));
  std::vector<Value> result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = at + decode_at(text.bytes(), at).size;
    result.emplace_back(text.slice(at, end));
    at = end;
  }
  return result;
}

Result<std::vector<Value>> iterate(Budget& budget, const Value& value) {
  if (const TracedText* text = value.text()) return characters(budget, *text);
  if (const List* list = value.list()) {
    AQ_RETURN_IF_ERROR(budget.spend(list->items.size()));
    return list->items;
  }
  std::vector<Value> keys;
  if (const Dict* dict = value.dict()) {
    AQ_RETURN_IF_ERROR(budget.spend(dict->entries().size()));
    for (const auto& [key, member] : dict->entries()) keys.push_back(key);
    return keys;
  }
  if (value.is_undefined()) return keys;
  return type_error("loop over", value);
}

}  // namespace aquilon::chat::jinja
