// Arguments of built-ins, and finding them by name.
#include <algorithm>
#include <array>

#include "chat/jinja/builtins_internal.h"
#include "chat/jinja/operators_internal.h"

namespace aquilon::chat::jinja {

bool Arguments::flag(std::size_t index, bool fallback) const {
  return values_[index] ? values_[index]->truthy() : fallback;
}

Result<std::int64_t> Arguments::integer(std::size_t index, std::int64_t fallback) const {
  if (!values_[index]) return fallback;
  if (const auto value = values_[index]->as_integer()) return *value;
  return type_error("use as an integer", *values_[index]);
}

Result<const TracedText*> Arguments::text(std::size_t index) const {
  if (!values_[index] || values_[index]->is_none()) return nullptr;
  if (const TracedText* text = values_[index]->text()) return text;
  return type_error("use as a string", *values_[index]);
}

namespace {

struct ParameterList {
  std::vector<std::string_view> names;
  std::vector<bool> required;
  bool variadic = false;
};

ParameterList read_parameters(std::string_view words) {
  ParameterList result;
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    std::string_view name = words.substr(0, end);
    words.remove_prefix(std::min(end + 1, words.size()));
    if (name == "*") {
      result.variadic = true;
      continue;
    }
    result.required.push_back(name.starts_with('!'));
    if (name.starts_with('!')) name.remove_prefix(1);
    result.names.push_back(name);
  }
  return result;
}

}  // namespace

Result<Value> call_builtin(Interpreter& interpreter, const Builtin& builtin, const Value& self,
                           CallArgs args) {
  const ParameterList parameters = read_parameters(builtin.parameters);
  const std::size_t known = parameters.names.size();
  std::vector<std::optional<Value>> values(known);
  CallArgs rest;
  for (std::size_t i = 0; i < args.positional.size(); ++i) {
    if (i < known) {
      values[i] = std::move(args.positional[i]);
    } else if (parameters.variadic) {
      rest.positional.push_back(std::move(args.positional[i]));
    } else {
      return make_error(Code::kInvalidArgument, "{} takes at most {} arguments", builtin.name,
                        known);
    }
  }
  for (auto& [name, value] : args.keyword) {
    const auto found = std::find(parameters.names.begin(), parameters.names.end(), name);
    const auto index = static_cast<std::size_t>(found - parameters.names.begin());
    if (index < known && !values[index]) {
      values[index] = std::move(value);
    } else if (index < known || !parameters.variadic) {
      return make_error(Code::kInvalidArgument, "{} got the argument '{}' twice or has none",
                        builtin.name, name);
    } else {
      rest.keyword.emplace_back(name, std::move(value));
    }
  }
  for (std::size_t i = 0; i < known; ++i) {
    if (parameters.required[i] && !values[i]) {
      return make_error(Code::kInvalidArgument, "{} needs the argument '{}'", builtin.name,
                        parameters.names[i]);
    }
  }
  return builtin.function(interpreter, self, Arguments(std::move(values), std::move(rest)));
}

const Builtin* find_in(std::span<const Builtin> table, std::string_view name) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [name](const Builtin& entry) { return entry.name == name; });
  return found == table.end() ? nullptr : &*found;
}

const Builtin* find_filter(std::string_view name) {
  for (const auto table :
       {text_filters(), sequence_filters(), selection_filters(), number_filters()}) {
    if (const Builtin* found = find_in(table, name)) return found;
  }
  return nullptr;
}

const Builtin* find_method(const Value& object, std::string_view name) {
  if (object.text()) return find_in(text_methods(), name);
  if (object.dict()) return find_in(dict_methods(), name);
  if (object.list()) return find_in(list_methods(), name);
  return nullptr;
}

bool is_unsupported_filter(std::string_view name) {
  static constexpr std::array<std::string_view, 13> kNames = {
      "attr",      "filesizeformat", "forceescape", "format_map", "groupby", "pprint", "random",
      "striptags", "urlencode",      "urlize",      "wordwrap",   "xmlattr", "async"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

namespace {

constexpr std::array<std::string_view, 6> kTextMethods = {
    "encode", "expandtabs", "format_map", "isidentifier", "maketrans", "translate"};
constexpr std::array<std::string_view, 5> kListChanges = {"clear", "remove", "reverse", "sort",
                                                          "copy"};
constexpr std::array<std::string_view, 6> kDictChanges = {"clear",   "fromkeys",   "pop",
                                                          "popitem", "setdefault", "update"};

template <std::size_t N>
bool has(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::optional<std::string> refused_method(const Value& object, std::string_view name) {
  const bool changes = (object.dict() && has(kDictChanges, name)) ||
                       (object.list() && !object.list()->tuple && has(kListChanges, name));
  if (changes || (object.text() && has(kTextMethods, name))) {
    return fmt::format("the method {}.{} is not supported", object.type_name(), name);
  }
  return std::nullopt;
}

}  // namespace aquilon::chat::jinja
