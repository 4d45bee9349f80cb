// Filters that call other filters and tests: map, select, reject and their kin. All give lists.
#include "chat/jinja/builtins_internal.h"
#include "chat/jinja/operators_internal.h"

namespace aquilon::chat::jinja {
namespace {

// As jinja2 here: what is false, be it none, is like an empty list.
Result<std::vector<Value>> items_of(Interpreter& in, const Value& self) {
  if (!self.truthy()) return std::vector<Value>();
  return iterate(in.budget(), self);
}

// The first extra argument, which names a filter or a test; empty: none was given.
Result<std::string> take_name(CallArgs& args, std::string_view what) {
  if (args.positional.empty()) return std::string();
  const TracedText* name = args.positional[0].text();
  if (!name) {
    return make_error(Code::kInvalidArgument, "expected the name of a {} as a string", what);
  }
  std::string bytes = name->bytes();
  args.positional.erase(args.positional.begin());
  return bytes;
}

Result<Value> map_attribute(Interpreter& in, const Value& self, const Arguments& args) {
  std::vector<Value> result;
  for (const Value& item : AQ_TRY(items_of(in, self))) {
    const Value* fallback = args[1] && !args[1]->is_none() ? args[1] : nullptr;
    result.push_back(AQ_TRY(in.attribute_path(item, *args[0], fallback)));
  }
  return Value::list(std::move(result));
}

// map(attribute="name", default=...) or map("filter", arguments...)
Result<Value> map(Interpreter& in, const Value& self, CallArgs args) {
  if (args.positional.empty()) {
    static constexpr Builtin kByAttribute{"map", map_attribute, "!attribute default"};
    return call_builtin(in, kByAttribute, self, std::move(args));
  }
  const std::string name = AQ_TRY(take_name(args, "filter"));
  std::vector<Value> result;
  for (Value& item : AQ_TRY(items_of(in, self))) {
    result.push_back(AQ_TRY(in.filter(name, std::move(item), args)));
  }
  return Value::list(std::move(result));
}

Result<Value> map_filter(Interpreter& in, const Value& self, const Arguments& args) {
  return map(in, self, args.rest());
}

template <bool kWanted, bool kByAttribute>
Result<Value> choose(Interpreter& in, const Value& self, const Arguments& args) {
  CallArgs rest = args.rest();
  const std::string name = AQ_TRY(take_name(rest, "test"));
  std::vector<Value> result;
  for (Value& item : AQ_TRY(items_of(in, self))) {
    const Value subject = kByAttribute ? AQ_TRY(in.attribute_path(item, *args[0])) : item;
    const bool holds = name.empty() ? subject.truthy() : AQ_TRY(in.test(name, subject, rest));
    if (holds == kWanted) result.push_back(std::move(item));
  }
  return Value::list(std::move(result));
}

constexpr Builtin kFilters[] = {
    {"map", map_filter, "*"},
    {"reject", choose<false, false>, "*"},
    {"rejectattr", choose<false, true>, "!attribute *"},
    {"select", choose<true, false>, "*"},
    {"selectattr", choose<true, true>, "!attribute *"},
};

}  // namespace

std::span<const Builtin> selection_filters() {
  return kFilters;
}

}  // namespace aquilon::chat::jinja
