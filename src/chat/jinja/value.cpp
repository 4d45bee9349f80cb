#include <algorithm>
#include <cmath>

#include "chat/jinja/budget_internal.h"
#include "chat/jinja/value_internal.h"

namespace aquilon::chat::jinja {
namespace {

// Equal for equal keys: 1, 1.0 and true are one key. Nothing: not hashable.
std::optional<std::string> key_form(const Value& key) {
  if (const TracedText* text = key.text()) return "s" + text->bytes();
  if (key.is_none()) return "n";
  if (const auto integer = key.as_integer()) return fmt::format("i{}", *integer);
  if (const auto real = key.as_float()) {
    if (std::abs(*real) < 0x1p62 && std::trunc(*real) == *real) {
      return fmt::format("i{}", static_cast<std::int64_t>(*real));
    }
    return fmt::format("f{}", *real);
  }
  return std::nullopt;
}

}  // namespace

Value Value::undefined(std::string what) {
  return Undefined{std::make_shared<const std::string>(std::move(what))};
}

namespace {

ListPtr make_list(std::vector<Value> items, bool tuple, bool frozen) {
  int depth = 1;
  for (const Value& item : items) depth = std::max(depth, item.depth() + 1);
  return std::make_shared<List>(List{std::move(items), tuple, frozen, depth});
}

}  // namespace

Value Value::list(std::vector<Value> items) {
  return make_list(std::move(items), false, false);
}
Value Value::tuple(std::vector<Value> items) {
  return make_list(std::move(items), true, true);
}

int Value::depth() const {
  if (const List* value = list()) return value->depth;
  if (const Dict* value = dict()) return value->depth();
  if (const Loop* value = loop()) return value->items->depth + 1;
  if (const Function* value = function()) return value->depth;
  return 0;
}

bool Value::is_number() const {
  return get_if<bool>() || get_if<std::int64_t>() || get_if<double>();
}

std::optional<std::int64_t> Value::as_integer() const {
  if (const auto* integer = get_if<std::int64_t>()) return *integer;
  if (const auto* boolean = get_if<bool>()) return *boolean ? 1 : 0;
  return std::nullopt;
}

std::optional<double> Value::as_float() const {
  if (const auto* real = get_if<double>()) return *real;
  if (const auto integer = as_integer()) return static_cast<double>(*integer);
  return std::nullopt;
}

bool Value::truthy() const {
  if (is_none() || is_undefined()) return false;
  if (const auto number = as_float()) return *number != 0;
  if (const TracedText* value = text()) return !value->empty();
  if (const List* value = list()) return !value->items.empty();
  if (const Dict* value = dict()) return !value->entries().empty();
  return true;
}

std::string_view Value::type_name() const {
  static constexpr std::string_view kNames[] = {"undefined value", "NoneType", "bool",    "int",
                                                "float",           "str",      "list",    "dict",
                                                "namespace",       "loop",     "function"};
  const List* value = list();
  return value && value->tuple ? "tuple" : kNames[data_.index()];
}

bool Value::same_object(const Value& other) const {
  if (data_.index() != other.data_.index()) return false;
  if (is_none()) return true;
  if (const auto* boolean = get_if<bool>()) return *boolean == *other.get_if<bool>();
  if (const auto* integer = get_if<std::int64_t>()) {
    return *integer == *other.get_if<std::int64_t>();
  }
  if (text()) return text() == other.text() || text()->bytes() == other.text()->bytes();
  if (list()) return list() == other.list();
  if (dict()) return dict() == other.dict();
  if (space()) return space() == other.space();
  if (loop()) return loop() == other.loop();
  return function() && function() == other.function();
}

const Value* Dict::find(const Value& key) const {
  const auto form = key_form(key);
  if (!form) return nullptr;
  const auto found = index_.find(*form);
  return found == index_.end() ? nullptr : &entries_[found->second].second;
}

const Value* Dict::find(std::string_view key) const {
  std::string form = "s";
  form += key;
  const auto found = index_.find(form);
  return found == index_.end() ? nullptr : &entries_[found->second].second;
}

bool Dict::set(Value key, Value value) {
  auto form = key_form(key);
  if (!form) return false;
  depth_ = std::max(depth_, value.depth() + 1);
  const auto [place, is_new] = index_.try_emplace(*std::move(form), entries_.size());
  if (is_new) {
    entries_.emplace_back(std::move(key), std::move(value));
  } else {
    entries_[place->second].second = std::move(value);
  }
  return true;
}

Result<Value> from_json(const boost::json::value& json, int depth) {
  if (depth > kMaxValueDepth) {
    return make_error(Code::kInvalidArgument, "JSON nested deeper than {} levels", kMaxValueDepth);
  }
  if (const auto* object = json.if_object()) {
    auto dict = std::make_shared<Dict>();
    for (const auto& [key, member] : *object) {
      Value value = AQ_TRY(from_json(member, depth + 1));
      dict->set(TracedText::untrusted(std::string(key)), std::move(value));
    }
    return Value(std::move(dict));
  }
  if (const auto* array = json.if_array()) {
    std::vector<Value> items;
    items.reserve(array->size());
    for (const auto& element : *array) items.push_back(AQ_TRY(from_json(element, depth + 1)));
    return Value(make_list(std::move(items), false, true));
  }
  if (const auto* string = json.if_string()) {
    return Value(TracedText::untrusted(std::string(*string)));
  }
  if (const auto* integer = json.if_int64()) return Value(*integer);
  if (const auto* large = json.if_uint64()) return Value(static_cast<double>(*large));
  if (const auto* real = json.if_double()) return Value(*real);
  if (const auto* boolean = json.if_bool()) return Value(*boolean);
  return Value(None{});
}

}  // namespace aquilon::chat::jinja
