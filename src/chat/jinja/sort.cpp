#include <algorithm>

#include "chat/jinja/operators_internal.h"
#include "chat/jinja/sort_internal.h"
#include "chat/jinja/text_operations_internal.h"

namespace aquilon::chat::jinja {
namespace {

Result<Value> folded(Interpreter& interpreter, Value key, bool any_case) {
  if (!any_case || !key.text()) return key;
  return change_case(interpreter.budget(), *key.text(), Case::kLower);
}

}  // namespace

Result<Value> sort_key(Interpreter& interpreter, const Value& item, const Value* attribute,
                       bool any_case) {
  if (!attribute || attribute->is_none()) return folded(interpreter, item, any_case);
  const TracedText* path = attribute->text();
  if (!path || path->bytes().find(',') == std::string::npos) {
    return folded(interpreter, AQ_TRY(interpreter.attribute_path(item, *attribute)), any_case);
  }
  const TracedText comma = TracedText::trusted(",");
  const Value paths = AQ_TRY(split_text(interpreter.budget(), *path, &comma, -1, false));
  std::vector<Value> keys;
  for (const Value& part : paths.list()->items) {
    keys.push_back(
        AQ_TRY(folded(interpreter, AQ_TRY(interpreter.attribute_path(item, part)), any_case)));
  }
  return Value::list(std::move(keys));
}

Result<Value> sort_by_key(Budget& budget, std::vector<Keyed> keyed, bool reverse) {
  // After an error everything counts as equal, so that the sort ends quickly and in bounds.
  Status status;
  const auto less = [&](const Keyed& a, const Keyed& b) {
    if (!status.ok()) return false;
    const Operator op = reverse ? Operator::kGreater : Operator::kLess;
    auto result = ordered(budget, op, a.key, b.key);
    if (result.ok()) return *result;
    status = std::move(result).error();
    return false;
  };
  std::stable_sort(keyed.begin(), keyed.end(), less);
  AQ_RETURN_IF_ERROR(std::move(status));
  std::vector<Value> items;
  items.reserve(keyed.size());
  for (Keyed& entry : keyed) items.push_back(std::move(entry.item));
  return Value::list(std::move(items));
}

}  // namespace aquilon::chat::jinja
