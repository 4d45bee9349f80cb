// a.b, a[b] and a[b:c:d].
#include <algorithm>
#include <charconv>

#include "chat/jinja/builtins_internal.h"
#include "chat/jinja/interpreter_internal.h"
#include "chat/jinja/operators_internal.h"
#include "chat/jinja/unicode_internal.h"

namespace aquilon::chat::jinja {
namespace {

Value integer(std::size_t value) {
  return Value(static_cast<std::int64_t>(value));
}

Value neighbour(const Loop& loop, bool before) {
  const std::size_t count = loop.items->items.size();
  if (before ? loop.index == 0 : loop.index + 1 >= count) {
    return Value::undefined(before ? "there is no previous item" : "there is no next item");
  }
  return loop.items->items[before ? loop.index - 1 : loop.index + 1];
}

Value make_cycle(std::size_t index) {
  Function cycle{"cycle", [index](Interpreter&, CallArgs args) -> Result<Value> {
                   if (args.positional.empty()) {
                     return make_error(Code::kInvalidArgument, "loop.cycle needs arguments");
                   }
                   return args.positional[index % args.positional.size()];
                 }};
  return std::make_shared<const Function>(std::move(cycle));
}

Result<Value> loop_attribute(const Loop& loop, std::string_view name) {
  const std::size_t count = loop.items->items.size();
  if (name == "index") return integer(loop.index + 1);
  if (name == "index0") return integer(loop.index);
  if (name == "revindex") return integer(count - loop.index);
  if (name == "revindex0") return integer(count - loop.index - 1);
  if (name == "first") return Value(loop.index == 0);
  if (name == "last") return Value(loop.index + 1 == count);
  if (name == "length") return integer(count);
  if (name == "previtem") return neighbour(loop, true);
  if (name == "nextitem") return neighbour(loop, false);
  if (name == "depth") return integer(1);  // grows in recursive loops only
  if (name == "depth0") return integer(0);
  if (name == "cycle") return make_cycle(loop.index);
  if (name == "changed") {
    return make_error(Code::kUnsupported, "loop.changed is not supported");
  }
  return Value::undefined(fmt::format("loop has no attribute '{}'", name));
}

// What Python's getattr gives: methods and attributes, not dictionary entries. Nothing: none.
Result<std::optional<Value>> own_attribute(const Value& object, std::string_view name) {
  if (const Loop* loop = object.loop()) return std::optional(AQ_TRY(loop_attribute(*loop, name)));
  if (const Namespace* space = object.space()) {
    const auto found = space->attributes.find(name);
    if (found == space->attributes.end()) return std::optional<Value>();
    return std::optional(found->second);
  }
  if (const Builtin* method = find_method(object, name)) {
    Function bound{std::string(name),
                   [method, object](Interpreter& self, CallArgs args) -> Result<Value> {
                     return call_builtin(self, *method, object, std::move(args));
                   },
                   object.depth() + 1};
    return std::optional(Value(std::make_shared<const Function>(std::move(bound))));
  }
  if (auto why = refused_method(object, name)) {
    return std::optional(Value::undefined(*std::move(why)));
  }
  return std::optional<Value>();
}

Value missing(const Value& object, std::string_view what) {
  return Value::undefined(fmt::format("{} object has no {}", object.type_name(), what));
}

Result<Value> text_item(Budget& budget, const TracedText& text, std::int64_t index,
                        const Value& object) {
  AQ_RETURN_IF_ERROR(budget.spend_bytes(text.size()));
  if (index < 0) index += static_cast<std::int64_t>(count_characters(text.bytes()));
  if (index < 0) return missing(object, "such character");
  const std::size_t begin = offset_of_character(text.bytes(), static_cast<std::size_t>(index));
  if (begin >= text.size()) return missing(object, "such character");
  return Value(text.slice(begin, begin + decode_at(text.bytes(), begin).size));
}

}  // namespace

Result<Value> Interpreter::attribute(const Value& object, std::string_view name) {
  if (const Undefined* undefined = object.undefined()) return undefined_error(*undefined);
  if (auto own = AQ_TRY(own_attribute(object, name))) return *std::move(own);
  const Value* entry = object.dict() ? object.dict()->find(name) : nullptr;
  return entry ? *entry : missing(object, fmt::format("attribute '{}'", name));
}

Result<Value> Interpreter::item(const Value& object, const Value& key) {
  if (const Undefined* undefined = object.undefined()) return undefined_error(*undefined);
  if (const Dict* dict = object.dict()) {
    if (const Value* entry = dict->find(key)) return *entry;
  }
  if (const auto index = key.as_integer()) {
    if (const TracedText* text = object.text()) return text_item(budget_, *text, *index, object);
    if (const List* list = object.list()) {
      const auto size = static_cast<std::int64_t>(list->items.size());
      const std::int64_t at = *index < 0 ? *index + size : *index;
      if (at < 0 || at >= size) return missing(object, fmt::format("element {}", *index));
      return list->items[static_cast<std::size_t>(at)];
    }
  }
  if (const TracedText* name = key.text()) {
    if (auto own = AQ_TRY(own_attribute(object, name->bytes()))) return *std::move(own);
    return missing(object, fmt::format("attribute '{}'", name->bytes()));
  }
  return missing(object, "such element");
}

Result<Value> Interpreter::attribute_path(const Value& object, const Value& path,
                                          const Value* fallback) {
  const auto step = [&](const Value& from, const Value& key) -> Result<Value> {
    Value value = AQ_TRY(item(from, key));
    return value.is_undefined() && fallback ? *fallback : value;
  };
  const TracedText* text = path.text();
  if (!text) return step(object, path);
  Value current = object;
  std::string_view rest = text->bytes();
  while (true) {
    AQ_RETURN_IF_ERROR(budget_.spend(1));
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view part = rest.substr(0, dot);
    std::int64_t index = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
    const bool number =
        !part.empty() && part[0] != '-' && error == std::errc{} && end == part.data() + part.size();
    const Value name = TracedText::untrusted(std::string(part));
    current = AQ_TRY(step(current, number ? Value(index) : name));
    if (dot == rest.size()) return current;
    rest.remove_prefix(dot + 1);
  }
}

namespace {

// Python's rules for the bounds of a slice of `size` elements.
struct SliceRange {
  std::int64_t start;
  std::int64_t stop;
  std::int64_t step;
};

Result<SliceRange> slice_range(std::int64_t size, const Value& start, const Value& stop,
                               const Value& step) {
  for (const Value* bound : {&start, &stop, &step}) {
    if (!bound->is_none() && !bound->as_integer()) return type_error("slice by", *bound);
  }
  SliceRange range{0, 0, step.as_integer().value_or(1)};
  if (range.step == 0) return make_error(Code::kInvalidArgument, "the step of a slice is zero");
  const bool back = range.step < 0;
  const auto clamp = [&](const Value& bound, std::int64_t fallback) {
    if (bound.is_none()) return fallback;
    std::int64_t at = *bound.as_integer();
    if (at < 0) at += size;  // cannot overflow: size is positive
    return std::clamp(at, std::int64_t{back ? -1 : 0}, back ? size - 1 : size);
  };
  range.start = clamp(start, back ? size - 1 : 0);
  range.stop = clamp(stop, back ? -1 : size);
  return range;
}

// The chosen indices, in order.
std::vector<std::size_t> slice_indices(const SliceRange& range) {
  std::vector<std::size_t> indices;
  std::int64_t at = range.start;
  while (range.step > 0 ? at < range.stop : at > range.stop) {
    indices.push_back(static_cast<std::size_t>(at));
    if (__builtin_add_overflow(at, range.step, &at)) break;
  }
  return indices;
}

Result<Value> slice_text(Budget& budget, const TracedText& text, const Value& start,
                         const Value& stop, const Value& step) {
  AQ_RETURN_IF_ERROR(budget.allow_text(text.footprint()));
  const std::string& bytes = text.bytes();
  const auto size = static_cast<std::int64_t>(count_characters(bytes));
  const SliceRange range = AQ_TRY(slice_range(size, start, stop, step));
  if (range.step == 1) {
    const auto first = static_cast<std::size_t>(range.start);
    const std::size_t begin = offset_of_character(bytes, first);
    const auto count =
        static_cast<std::size_t>(std::max<std::int64_t>(range.stop - range.start, 0));
    const std::string_view rest = std::string_view(bytes).substr(begin);
    return Value(text.slice(begin, begin + offset_of_character(rest, count)));
  }
  AQ_RETURN_IF_ERROR(budget.spend(text.size()));
  std::vector<std::size_t> offsets;
  for (std::size_t at = 0; at < bytes.size(); at += decode_at(bytes, at).size)
    offsets.push_back(at);
  TracedText chosen;
  for (const std::size_t index : slice_indices(range)) {
    const std::size_t begin = offsets[index];
    chosen.append_slice(text, begin, begin + decode_at(bytes, begin).size);
  }
  return Value(std::move(chosen));
}

}  // namespace

Result<Value> Interpreter::slice(const Value& object, const Value& start, const Value& stop,
                                 const Value& step) {
  if (const TracedText* text = object.text()) return slice_text(budget_, *text, start, stop, step);
  const List* list = object.list();
  if (!list) return type_error("slice", object);
  const auto size = static_cast<std::int64_t>(list->items.size());
  const SliceRange range = AQ_TRY(slice_range(size, start, stop, step));
  AQ_RETURN_IF_ERROR(budget_.spend(list->items.size()));
  std::vector<Value> chosen;
  for (const std::size_t index : slice_indices(range)) chosen.push_back(list->items[index]);
  return list->tuple ? Value::tuple(std::move(chosen)) : Value::list(std::move(chosen));
}

}  // namespace aquilon::chat::jinja
