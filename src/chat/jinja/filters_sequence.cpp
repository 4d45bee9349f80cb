// Filters on lists and dictionaries.
#include <algorithm>

#include "chat/jinja/builtins_internal.h"
#include "chat/jinja/operators_internal.h"
#include "chat/jinja/sort_internal.h"
#include "chat/jinja/text_operations_internal.h"
#include "chat/jinja/unicode_internal.h"

namespace aquilon::chat::jinja {
namespace {

Result<Value> length(Interpreter& in, const Value& self, const Arguments&) {
  if (const TracedText* text = self.text()) {
    AQ_RETURN_IF_ERROR(in.budget().spend_bytes(text->size()));
    return Value(static_cast<std::int64_t>(count_characters(text->bytes())));
  }
  if (const List* list = self.list()) return Value(static_cast<std::int64_t>(list->items.size()));
  if (const Dict* dict = self.dict()) {
    return Value(static_cast<std::int64_t>(dict->entries().size()));
  }
  if (self.is_undefined()) return Value(std::int64_t{0});
  return type_error("take the length of", self);
}

Result<Value> default_filter(Interpreter&, const Value& self, const Arguments& args) {
  const bool missing = self.is_undefined() || (args.flag(1, false) && !self.truthy());
  if (!missing) return self;
  return args[0] ? *args[0] : Value(TracedText());
}

Result<Value> first(Interpreter& in, const Value& self, const Arguments&) {
  if (const TracedText* text = self.text(); text && !text->empty()) {
    return Value(text->slice(0, decode_at(text->bytes(), 0).size));
  }
  if (const List* list = self.list(); list && !list->items.empty()) return list->items.front();
  const std::vector<Value> items = AQ_TRY(iterate(in.budget(), self));
  return items.empty() ? Value::undefined("there is no first item") : items.front();
}

Result<Value> last(Interpreter& in, const Value& self, const Arguments&) {
  if (const TracedText* text = self.text(); text && !text->empty()) {
    return Value(text->slice(last_character(text->bytes()), text->size()));
  }
  if (const List* list = self.list(); list && !list->items.empty()) return list->items.back();
  const std::vector<Value> items = AQ_TRY(iterate(in.budget(), self));
  return items.empty() ? Value::undefined("there is no last item") : items.back();
}

Result<Value> list(Interpreter& in, const Value& self, const Arguments&) {
  return Value::list(AQ_TRY(iterate(in.budget(), self)));
}

Result<Value> reverse(Interpreter& in, const Value& self, const Arguments&) {
  std::vector<Value> items = AQ_TRY(iterate(in.budget(), self));
  std::reverse(items.begin(), items.end());
  if (!self.text()) return Value::list(std::move(items));
  std::vector<TextPtr> parts;
  for (const Value& item : items) parts.push_back(*item.get_if<TextPtr>());
  return join_text(in.budget(), TracedText(), parts);
}

Result<Value> items(Interpreter& in, const Value& self, const Arguments&) {
  std::vector<Value> pairs;
  if (self.is_undefined()) return Value::list(std::move(pairs));
  const Dict* dict = self.dict();
  if (!dict) return type_error("take the items of", self);
  AQ_RETURN_IF_ERROR(in.budget().spend(dict->entries().size()));
  for (const auto& [key, value] : dict->entries()) pairs.push_back(Value::tuple({key, value}));
  return Value::list(std::move(pairs));
}

Result<Value> sort(Interpreter& in, const Value& self, const Arguments& args) {
  std::vector<Keyed> keyed;
  const bool any_case = !args.flag(1, false);
  for (Value& item : AQ_TRY(iterate(in.budget(), self))) {
    Value key = AQ_TRY(sort_key(in, item, args[2], any_case));
    keyed.push_back({std::move(key), std::move(item)});
  }
  return sort_by_key(in.budget(), std::move(keyed), args.flag(0, false));
}

Result<Value> dictsort(Interpreter& in, const Value& self, const Arguments& args) {
  const TracedText* by = AQ_TRY(args.text(1));
  const bool by_value = by && by->bytes() == "value";
  if (by && !by_value && by->bytes() != "key") {
    return make_error(Code::kInvalidArgument, "dictsort: by must be 'key' or 'value'");
  }
  const Value pairs = AQ_TRY(items(in, self, args));
  const bool any_case = !args.flag(0, false);
  std::vector<Keyed> keyed;
  for (const Value& pair : pairs.list()->items) {
    Value key = AQ_TRY(sort_key(in, pair.list()->items[by_value ? 1 : 0], nullptr, any_case));
    keyed.push_back({std::move(key), pair});
  }
  return sort_by_key(in.budget(), std::move(keyed), args.flag(2, false));
}

Result<Value> unique(Interpreter& in, const Value& self, const Arguments& args) {
  const bool any_case = !args.flag(0, false);
  Dict seen;
  std::vector<Value> result;
  for (Value& item : AQ_TRY(iterate(in.budget(), self))) {
    const Value key = AQ_TRY(sort_key(in, item, args[1], any_case));
    if (key.text()) AQ_RETURN_IF_ERROR(in.budget().allow_text(key.text()->size()));
    if (seen.find(key)) continue;
    if (!seen.set(key, None{})) return type_error("compare for uniqueness", key);
    result.push_back(std::move(item));
  }
  return Value::list(std::move(result));
}

template <bool kMax>
Result<Value> extreme(Interpreter& in, const Value& self, const Arguments& args) {
  const bool any_case = !args.flag(0, false);
  Value best = Value::undefined("there is no item to choose from");
  Value best_key;
  bool found = false;
  for (const Value& item : AQ_TRY(iterate(in.budget(), self))) {
    Value key = AQ_TRY(sort_key(in, item, args[1], any_case));
    const Operator op = kMax ? Operator::kGreater : Operator::kLess;
    if (found && !AQ_TRY(ordered(in.budget(), op, key, best_key))) continue;
    found = true;
    best = item;
    best_key = std::move(key);
  }
  return best;
}

Result<Value> sum(Interpreter& in, const Value& self, const Arguments& args) {
  Value total = args[1] ? *args[1] : Value(std::int64_t{0});
  if (total.text()) return type_error("sum up", total);
  for (Value& item : AQ_TRY(iterate(in.budget(), self))) {
    if (args[0] && !args[0]->is_none()) item = AQ_TRY(in.attribute_path(item, *args[0]));
    total = AQ_TRY(arithmetic(in.budget(), Operator::kAdd, total, item));
  }
  return total;
}

Result<std::size_t> positive(const Arguments& args, std::string_view filter) {
  const std::int64_t value = AQ_TRY(args.integer(0, 1));
  if (value > 0) return static_cast<std::size_t>(value);
  return make_error(Code::kInvalidArgument, "{}: the number must be positive", filter);
}

// Lists of `linecount` items.
Result<Value> batch(Interpreter& in, const Value& self, const Arguments& args) {
  const std::size_t size = AQ_TRY(positive(args, "batch"));
  std::vector<Value> rows;
  std::vector<Value> row;
  for (Value& item : AQ_TRY(iterate(in.budget(), self))) {
    row.push_back(std::move(item));
    if (row.size() == size) rows.push_back(Value::list(std::exchange(row, {})));
  }
  if (row.empty()) return Value::list(std::move(rows));
  if (args[1] && !args[1]->is_none()) {
    AQ_RETURN_IF_ERROR(in.budget().spend(size));
    row.resize(size, *args[1]);
  }
  rows.push_back(Value::list(std::move(row)));
  return Value::list(std::move(rows));
}

// So many lists, the first ones longer by one.
Result<Value> slice(Interpreter& in, const Value& self, const Arguments& args) {
  const std::size_t slices = AQ_TRY(positive(args, "slice"));
  const std::vector<Value> all = AQ_TRY(iterate(in.budget(), self));
  AQ_RETURN_IF_ERROR(in.budget().spend(slices));
  const std::size_t longer = all.size() % slices;
  std::vector<Value> columns;
  auto next = all.begin();
  for (std::size_t i = 0; i < slices; ++i) {
    const std::size_t size = all.size() / slices + (i < longer ? 1 : 0);
    std::vector<Value> column(next, next + static_cast<std::ptrdiff_t>(size));
    next += static_cast<std::ptrdiff_t>(size);
    if (args[1] && !args[1]->is_none() && i >= longer) column.push_back(*args[1]);
    columns.push_back(Value::list(std::move(column)));
  }
  return Value::list(std::move(columns));
}

constexpr Builtin kFilters[] = {
    {"batch", batch, "!linecount fill_with"},
    {"count", length},
    {"d", default_filter, "default_value boolean"},
    {"default", default_filter, "default_value boolean"},
    {"dictsort", dictsort, "case_sensitive by reverse"},
    {"first", first},
    {"items", items},
    {"last", last},
    {"length", length},
    {"list", list},
    {"max", extreme<true>, "case_sensitive attribute"},
    {"min", extreme<false>, "case_sensitive attribute"},
    {"reverse", reverse},
    {"slice", slice, "!slices fill_with"},
    {"sort", sort, "reverse case_sensitive attribute"},
    {"sum", sum, "attribute start"},
    {"unique", unique, "case_sensitive attribute"},
};

}  // namespace

std::span<const Builtin> sequence_filters() {
  return kFilters;
}

}  // namespace aquilon::chat::jinja
