// Strings, numbers and literals of a schema: a Boolean algebra of regular languages.
#include <algorithm>

#include "constraint/formats_internal.h"
#include "constraint/pattern_internal.h"
#include "constraint/schema_reader_internal.h"

namespace aquilon::constraint {

namespace json = boost::json;

Scalars SchemaReader::all_scalars(const JsonStrings& strings, const NumberTexts& numbers) {
  return {strings.any_text, numbers.any(), true, true, true};
}

Scalars SchemaReader::both(const Scalars& a, const Scalars& b) {
  const auto meet = [&](RegexId x, RegexId y, RegexId all) {
    return x == all ? y : y == all ? x : store_.both(x, y);
  };
  return {meet(a.text, b.text, strings_.any_text), meet(a.number, b.number, numbers_.any()),
          a.null && b.null, a.yes && b.yes, a.no && b.no};
}

Scalars SchemaReader::either(const Scalars& a, const Scalars& b) {
  const auto join = [&](RegexId x, RegexId y, RegexId all) {
    return x == all || y == all ? all : store_.either(x, y);
  };
  return {join(a.text, b.text, strings_.any_text), join(a.number, b.number, numbers_.any()),
          a.null || b.null, a.yes || b.yes, a.no || b.no};
}

// Within texts that spell each value's characters in one way: a complement of values, not of
// spellings.
Scalars SchemaReader::complement(const Scalars& a) {
  const auto rest = [&](RegexId x, RegexId all, RegexId one) {
    return x == all ? kNothing : x == kNothing ? all : store_.minus(one, x);
  };
  return {rest(a.text, strings_.any_text, strings_.one_text),
          rest(a.number, numbers_.any(), numbers_.plain()), !a.null, !a.yes, !a.no};
}

bool SchemaReader::is_empty(const Scalars& s) {
  return !s.null && !s.yes && !s.no && store_.is_empty(s.text) && store_.is_empty(s.number);
}

Scalars SchemaReader::exactly_one(const std::vector<Scalars>& branches) {
  Scalars result;
  for (std::size_t i = 0; i < branches.size(); ++i) {
    Scalars one = branches[i];
    for (std::size_t j = 0; j < branches.size(); ++j) {
      if (j == i) continue;
      if (!store_.spend(1)) return result;
      Scalars overlap = both(branches[i], branches[j]);
      if (!is_empty(overlap)) one = both(one, complement(branches[j]));
    }
    result = either(result, one);
  }
  return result;
}

Scalars SchemaReader::scalars_of(const std::vector<Atom>& atoms) {
  Scalars result = all_scalars(strings_, numbers_);
  for (const Atom a : atoms) {
    const Scalars& own = scalars(a >> 1);
    result = both(result, (a & 1) != 0 ? complement(own) : own);
  }
  return result;
}

const Scalars& SchemaReader::scalars(NodeId node) {
  static const Scalars none;
  if (failed()) return none;
  const auto found = scalars_.find(node);
  if (found != scalars_.end()) {
    if (found->second) return *found->second;
    refuse(node, Keyword::kRef, "the schema refers to itself without end");
    return none;
  }
  scalars_[node] = std::nullopt;
  if (++depth_ > 300) refuse(node, Keyword::kCount, "the schema is nested too deeply");
  Scalars result = failed() ? none : read_scalars(node);
  --depth_;
  return *(scalars_[node] = std::move(result));
}

Scalars SchemaReader::scalars_of_value(const json::value& value) {
  Scalars s;
  if (value.is_null()) s.null = true;
  if (value.is_bool()) (value.get_bool() ? s.yes : s.no) = true;
  if (value.is_string())
    s.text = store_.literal(json_spelling(std::string_view(value.get_string())));
  if (const auto decimal = decimal_of(value)) s.number = numbers_.equal_to({*decimal});
  return s;
}

// One of the values; objects and arrays are none of its business.
Scalars SchemaReader::scalars_of_values(const json::array& values) {
  Scalars sum;
  std::vector<std::string> texts;
  std::vector<Decimal> numbers;
  for (const json::value& value : values) {
    sum.null = sum.null || value.is_null();
    if (const bool* truth = value.if_bool()) (*truth ? sum.yes : sum.no) = true;
    if (const json::string* text = value.if_string())
      texts.push_back(json_spelling(std::string_view(*text)));
    if (!value.is_number()) continue;
    if (const auto decimal = decimal_of(value)) numbers.push_back(*decimal);
    // Long ones take a while to write out.
    const std::size_t bytes =
        numbers.empty() ? 0 : numbers.back().whole.size() + numbers.back().fraction.size();
    if (!store_.spend(4 + bytes)) return sum;
  }
  sum.text = store_.literals(std::move(texts));
  sum.number = numbers_.equal_to(numbers);
  return sum;
}

Scalars SchemaReader::any_of(const std::vector<NodeId>& parts) {
  Scalars sum;
  std::vector<RegexId> texts, numbers;
  bool any_text = false, any_number = false;
  for (const NodeId part : parts) {
    const Scalars& one = scalars(part);
    sum.null = sum.null || one.null;
    sum.yes = sum.yes || one.yes;
    sum.no = sum.no || one.no;
    any_text = any_text || one.text == strings_.any_text;
    any_number = any_number || one.number == numbers_.any();
    if (one.text != kNothing) texts.push_back(one.text);
    if (one.number != kNothing) numbers.push_back(one.number);
  }
  sum.text = any_text ? strings_.any_text : store_.any_of(std::move(texts));
  sum.number = any_number ? numbers_.any() : store_.any_of(std::move(numbers));
  return sum;
}

void SchemaReader::restrict_types(NodeId node, Scalars& s) {
  const std::uint32_t allowed = types(node);
  if (allowed == kAllTypes) return;
  s.null = s.null && (allowed & kNullType) != 0;
  s.yes = s.yes && (allowed & kBooleanType) != 0;
  s.no = s.no && (allowed & kBooleanType) != 0;
  if ((allowed & kStringType) == 0) s.text = kNothing;
  if ((allowed & kNumberType) != 0) return;
  if ((allowed & kIntegerType) == 0)
    s.number = kNothing;
  else
    s.number = document_.draft(node) == Draft::k4 ? numbers_.integer() : numbers_.whole();
}

Scalars SchemaReader::read_scalars(NodeId node) {
  if (node == kTrueNode) return all_scalars(strings_, numbers_);
  if (node == kFalseNode) return {};
  const SchemaNode& schema = document_.node(node);
  if (!schema.value->is_object()) {
    refuse(node, Keyword::kCount, "a schema is an object, true or false");
    return {};
  }
  Scalars s = all_scalars(strings_, numbers_);
  restrict_types(node, s);
  if (const auto target = reference(node)) s = both(s, scalars(*target));
  if (const json::value* list = schema.at(Keyword::kEnum)) {
    if (!list->is_array()) {
      refuse(node, Keyword::kEnum, "is no array");
      return {};
    }
    s = both(s, scalars_of_values(list->get_array()));
  }
  if (const json::value* value = schema.at(Keyword::kConst); value && since(node, Draft::k6))
    s = both(s, scalars_of_value(*value));
  read_string_keywords(node, s);
  read_number_keywords(node, s);
  for (const NodeId part : list(node, Keyword::kAllOf)) s = both(s, scalars(part));
  if (schema.at(Keyword::kAnyOf) != nullptr) s = both(s, any_of(list(node, Keyword::kAnyOf)));
  if (schema.at(Keyword::kOneOf) != nullptr) {
    std::vector<Scalars> branches;
    for (const NodeId part : list(node, Keyword::kOneOf)) branches.push_back(scalars(part));
    s = both(s, exactly_one(branches));
  }
  if (schema.at(Keyword::kNot) != nullptr)
    s = both(s, complement(scalars(sub(node, Keyword::kNot))));
  if (schema.at(Keyword::kIf) != nullptr && since(node, Draft::k7)) {
    const Scalars when = scalars(sub(node, Keyword::kIf));
    const Scalars then = scalars(sub(node, Keyword::kThen));
    const Scalars other = scalars(sub(node, Keyword::kElse));
    s = both(s, either(both(when, then), both(complement(when), other)));
  }
  return s;
}

RegexId SchemaReader::pattern(NodeId node, Keyword keyword, std::string_view text) {
  const auto found = patterns_.find(std::string(text));
  if (found != patterns_.end()) return found->second;
  const auto compiled = compile_pattern(store_, text, {.spelling = Spelling::kJson});
  if (!compiled.ok()) {
    refuse(node, keyword, fmt::format("'{}': {}", text.substr(0, 100), compiled.error().message));
    return kNothing;
  }
  patterns_.emplace(text, *compiled);
  return *compiled;
}

void SchemaReader::read_format(NodeId node, Scalars& s) {
  const json::value* name = document_.node(node).at(Keyword::kFormat);
  if (name == nullptr || !name->is_string()) return;
  const std::string key(name->get_string());
  auto found = formats_.find(key);
  if (found == formats_.end()) {
    const auto language = format_language(store_, strings_, key);
    found = formats_.emplace(key, language.value_or(strings_.any_text)).first;
  }
  s.text = found->second == strings_.any_text ? s.text
           : s.text == strings_.any_text      ? found->second
                                              : store_.both(s.text, found->second);
}

void SchemaReader::read_string_keywords(NodeId node, Scalars& s) {
  if (s.text == kNothing) return;
  const SchemaNode& schema = document_.node(node);
  if (const json::value* text = schema.at(Keyword::kPattern)) {
    if (!text->is_string()) return refuse(node, Keyword::kPattern, "is no string");
    const RegexId language = pattern(node, Keyword::kPattern, std::string_view(text->get_string()));
    s.text = s.text == strings_.any_text ? language : store_.both(s.text, language);
  }
  read_format(node, s);
  const auto min = count(node, Keyword::kMinLength), max = count(node, Keyword::kMaxLength);
  if (!min && !max) return;
  if (min.value_or(0) > max.value_or(kUnbounded)) {
    s.text = kNothing;
    return;
  }
  const auto counted = [&](RegexId one) {
    return store_.repeat(one, min.value_or(0), max.value_or(kUnbounded));
  };
  s.text = s.text == strings_.any_text ? counted(strings_.any)
                                       : store_.both(s.text, counted(strings_.one));
}

void SchemaReader::read_number_keywords(NodeId node, Scalars& s) {
  if (s.number == kNothing) return;
  const SchemaNode& schema = document_.node(node);
  const auto value = [&](Keyword keyword) -> std::optional<Decimal> {
    const json::value* number = schema.at(keyword);
    if (number == nullptr || number->is_bool()) return std::nullopt;
    const auto decimal = decimal_of(*number);
    if (!decimal) refuse(node, keyword, "is no number that can be enforced");
    return decimal;
  };
  const auto flag = [&](Keyword keyword) {
    const json::value* truth = schema.at(keyword);
    return truth != nullptr && truth->is_bool() && truth->get_bool();
  };
  const auto restrict_to = [&](RegexId language) {
    s.number = s.number == numbers_.any() ? language : store_.both(s.number, language);
  };
  if (const auto bound = value(Keyword::kMinimum))
    restrict_to(numbers_.above(*bound, flag(Keyword::kExclusiveMinimum)));
  if (const auto bound = value(Keyword::kExclusiveMinimum))
    restrict_to(numbers_.above(*bound, true));
  if (const auto bound = value(Keyword::kMaximum))
    restrict_to(numbers_.below(*bound, flag(Keyword::kExclusiveMaximum)));
  if (const auto bound = value(Keyword::kExclusiveMaximum))
    restrict_to(numbers_.below(*bound, true));
  if (const auto divisor = value(Keyword::kMultipleOf)) {
    const bool positive = !divisor->negative && !divisor->is_zero();
    const auto language = positive ? numbers_.multiple_of(*divisor) : std::nullopt;
    if (!language)
      return refuse(node, Keyword::kMultipleOf, "is not positive or has more than nine digits");
    restrict_to(*language);
  }
}

}  // namespace aquilon::constraint
