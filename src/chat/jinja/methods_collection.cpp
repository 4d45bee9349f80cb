// Methods of list, tuple and dict. Lists that the template made may grow; input never changes.
#include <algorithm>

#include "chat/jinja/builtins_internal.h"
#include "chat/jinja/operators_internal.h"

namespace aquilon::chat::jinja {
namespace {

Result<Value> count(Interpreter& in, const Value& self, const Arguments& args) {
  std::int64_t found = 0;
  for (const Value& item : self.list()->items) {
    if (AQ_TRY(equal(in.budget(), item, *args[0]))) ++found;
  }
  return Value(found);
}

Result<Value> index(Interpreter& in, const Value& self, const Arguments& args) {
  const auto& items = self.list()->items;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (AQ_TRY(equal(in.budget(), items[i], *args[0]))) return Value(static_cast<std::int64_t>(i));
  }
  return make_error(Code::kInvalidArgument, "the value is not in the list");
}

// The list, kept and ready to be changed.
Result<List*> changeable(Interpreter& in, const Value& self) {
  List* list = self.list();
  if (list->frozen) {
    return make_error(Code::kInvalidArgument, "this {} belongs to the input and cannot be changed",
                      self.type_name());
  }
  in.keep(*self.get_if<ListPtr>());
  return list;
}

Status grow(List& list, std::size_t place, const Value& value) {
  list.depth = std::max(list.depth, value.depth() + 1);
  if (list.depth > kMaxValueDepth) {
    return make_error(Code::kInvalidArgument, "values nested deeper than {} levels",
                      kMaxValueDepth);
  }
  list.items.insert(list.items.begin() + static_cast<std::ptrdiff_t>(place), value);
  return {};
}

Result<Value> append(Interpreter& in, const Value& self, const Arguments& args) {
  List* list = AQ_TRY(changeable(in, self));
  AQ_RETURN_IF_ERROR(grow(*list, list->items.size(), *args[0]));
  return Value(None{});
}

Result<Value> extend(Interpreter& in, const Value& self, const Arguments& args) {
  List* list = AQ_TRY(changeable(in, self));
  for (const Value& item : AQ_TRY(iterate(in.budget(), *args[0]))) {
    AQ_RETURN_IF_ERROR(grow(*list, list->items.size(), item));
  }
  return Value(None{});
}

Result<Value> insert(Interpreter& in, const Value& self, const Arguments& args) {
  List* list = AQ_TRY(changeable(in, self));
  AQ_RETURN_IF_ERROR(in.budget().spend(list->items.size()));
  const auto size = static_cast<std::int64_t>(list->items.size());
  std::int64_t place = AQ_TRY(args.integer(0, 0));
  place = std::clamp(place < 0 ? place + size : place, std::int64_t{0}, size);
  AQ_RETURN_IF_ERROR(grow(*list, static_cast<std::size_t>(place), *args[1]));
  return Value(None{});
}

Result<Value> pop(Interpreter& in, const Value& self, const Arguments& args) {
  List* list = AQ_TRY(changeable(in, self));
  AQ_RETURN_IF_ERROR(in.budget().spend(list->items.size()));
  const auto size = static_cast<std::int64_t>(list->items.size());
  std::int64_t place = AQ_TRY(args.integer(0, -1));
  if (place < 0) place += size;
  if (place < 0 || place >= size) {
    return make_error(Code::kInvalidArgument, "pop: the list has no such element");
  }
  const auto at = list->items.begin() + static_cast<std::ptrdiff_t>(place);
  Value value = std::move(*at);
  list->items.erase(at);
  return value;
}

Result<Value> get(Interpreter&, const Value& self, const Arguments& args) {
  if (const Value* value = self.dict()->find(*args[0])) return *value;
  return args[1] ? *args[1] : Value(None{});
}

template <bool kKeys, bool kValues>
Result<Value> view(Interpreter& in, const Value& self, const Arguments&) {
  const auto& entries = self.dict()->entries();
  AQ_RETURN_IF_ERROR(in.budget().spend(entries.size()));
  std::vector<Value> result;
  result.reserve(entries.size());
  for (const auto& [key, value] : entries) {
    result.push_back(kKeys && kValues ? Value::tuple({key, value}) : kKeys ? key : value);
  }
  return Value::list(std::move(result));
}

Result<Value> same_dict(Interpreter&, const Value& self, const Arguments&) {
  return self;
}

constexpr Builtin kListMethods[] = {
    {"append", append, "!item"}, {"count", count, "!value"},         {"extend", extend, "!items"},
    {"index", index, "!value"},  {"insert", insert, "!index !item"}, {"pop", pop, "index"},
};

constexpr Builtin kDictMethods[] = {
    {"copy", same_dict},  // nothing can change a dict
    {"get", get, "!key default"}, {"items", view<true, true>},
    {"keys", view<true, false>},  {"values", view<false, true>},
};

}  // namespace

std::span<const Builtin> list_methods() {
  return kListMethods;
}
std::span<const Builtin> dict_methods() {
  return kDictMethods;
}

}  // namespace aquilon::chat::jinja
