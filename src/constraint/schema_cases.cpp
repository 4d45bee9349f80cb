// Objects and arrays: the applicators, which are the same for both, and the product of cases.
#include <algorithm>
#include <set>

#include "constraint/name_set_internal.h"
#include "constraint/schema_reader_internal.h"

namespace aquilon::constraint {
namespace {

namespace json = boost::json;

template <class Case>
constexpr std::uint32_t kTypeOf = kObjectType;
template <>
constexpr std::uint32_t kTypeOf<ArrayCase> = kArrayType;

bool is_kind(const json::value& value, const ObjectCase*) {
  return value.is_object();
}
bool is_kind(const json::value& value, const ArrayCase*) {
  return value.is_array();
}

template <class T>
void add(std::vector<T>& into, const std::vector<T>& from) {
  into.insert(into.end(), from.begin(), from.end());
}

template <class T>
void add_new(std::vector<T>& into, const std::vector<T>& from) {
  constexpr std::size_t kFew = 8;
  if (from.size() <= kFew) {
    for (const T& item : from)
      if (std::find(into.begin(), into.end(), item) == into.end()) into.push_back(item);
    return;
  }
  std::set<T> known(into.begin(), into.end());
  for (const T& item : from)
    if (known.insert(item).second) into.push_back(item);
}

void merge_evaluated(Evaluated& into, const Evaluated& from) {
  into.all = into.all || from.all;
  add(into.keys.names, from.keys.names);
  add(into.keys.patterns, from.keys.patterns);
  into.prefix = std::max(into.prefix, from.prefix);
  add(into.contains, from.contains);
}

// Entries of its lists.
std::size_t size_of(const KeyScope& scope) {
  return scope.names.size() + scope.patterns.size();
}
std::size_t size_of(const ObjectCase& c) {
  std::size_t size = c.properties.size() + c.patterns.size() + c.names.size() + c.required.size();
  for (const AdditionalRule& rule : c.additional) size += 4 + size_of(rule.except);
  for (const ExistsRule& rule : c.exists) size += 4 + size_of(rule.except);
  return size + size_of(c.evaluated.keys);
}
std::size_t size_of(const ArrayCase& c) {
  std::size_t size = 2 * c.contains.size() + c.evaluated.contains.size();
  for (const ItemsRule& rule : c.items) size += 2 + rule.prefix.size();
  return size;
}

}  // namespace

template <class Case>
bool SchemaReader::read(const Case& c) {
  if (!failed() && store_.spend(8 + size_of(c))) return true;
  refuse(kTrueNode, Keyword::kCount, store_.meter().shortage());
  return false;
}

template <class Case>
bool SchemaReader::make(const Case& c) {
  if (!read(c)) return false;
  if (store_.meter().hold(sizeof(Case) + 16 * size_of(c))) return true;
  refuse(kTrueNode, Keyword::kCount, store_.meter().shortage());
  return false;
}
template bool SchemaReader::make(const ObjectCase&);
template bool SchemaReader::make(const ArrayCase&);

template <class Case>
void SchemaReader::append(std::vector<Case>& into, const std::vector<Case>& from) {
  for (const Case& c : from) {
    if (!make(c)) return;
    into.push_back(c);
  }
}

template void SchemaReader::append(std::vector<ObjectCase>&, const std::vector<ObjectCase>&);

// Whether each required key has a value, as far as that is cheap to see.
bool SchemaReader::can_have_required(const ObjectCase& c) {
  if (c.required.empty()) return true;
  std::vector<NameSet> closed;  // those that only these names may be among
  for (const AdditionalRule& rule : c.additional)
    if (rule.schema == kFalseAtom && rule.except.patterns.empty())
      closed.emplace_back(rule.except.names);
  std::vector<std::pair<std::string_view, Atom>> sorted = c.properties;
  std::sort(sorted.begin(), sorted.end());
  std::vector<Atom> atoms;
  for (const std::string_view key : c.required) {
    if (!store_.spend(1 + closed.size())) return false;
    for (const NameSet& names : closed)
      if (!names.has(key)) return false;
    atoms.clear();
    auto at =
        std::lower_bound(sorted.begin(), sorted.end(), std::pair<std::string_view, Atom>(key, 0));
    for (; at != sorted.end() && at->first == key; ++at) atoms.push_back(at->second);
    if (!may_hold(atoms)) return false;
  }
  return true;
}

bool SchemaReader::merge(ObjectCase& into, const ObjectCase& from) {
  add_new(into.properties, from.properties);
  add_new(into.patterns, from.patterns);
  add(into.additional, from.additional);
  add(into.names, from.names);
  add_new(into.required, from.required);
  add(into.exists, from.exists);
  into.min = std::max(into.min, from.min);
  into.max = std::min(into.max, from.max);
  if (document_.uses_unevaluated()) merge_evaluated(into.evaluated, from.evaluated);
  if (into.min > into.max || into.required.size() > into.max) return false;
  return can_have_required(into) && !failed();
}

bool SchemaReader::merge(ArrayCase& into, const ArrayCase& from) {
  add(into.items, from.items);
  add(into.contains, from.contains);
  into.min = std::max(into.min, from.min);
  into.max = std::min(into.max, from.max);
  into.unique = into.unique || from.unique;
  if (document_.uses_unevaluated()) merge_evaluated(into.evaluated, from.evaluated);
  if (into.min > into.max) return false;
  std::vector<Atom> atoms;
  for (std::uint32_t i = 0; i < std::min(into.min, 8u); ++i) {
    if (!store_.spend(1 + into.items.size())) return false;
    atoms.clear();
    for (const ItemsRule& rule : into.items)
      atoms.push_back(i < rule.prefix.size() ? rule.prefix[i] : rule.rest);
    if (!may_hold(atoms)) return false;
  }
  return !failed();
}

namespace {

template <class Case>
bool says_nothing(const std::vector<Case>& list);
template <>
bool says_nothing(const std::vector<ObjectCase>& list) {
  if (list.size() != 1) return false;
  const ObjectCase& c = list[0];
  return c.properties.empty() && c.patterns.empty() && c.additional.empty() && c.names.empty() &&
         c.required.empty() && c.exists.empty() && c.min == 0 && c.max == kNoLimit &&
         !c.evaluated.all && c.evaluated.keys.names.empty() && c.evaluated.keys.patterns.empty();
}
template <>
bool says_nothing(const std::vector<ArrayCase>& list) {
  if (list.size() != 1) return false;
  const ArrayCase& c = list[0];
  return c.items.empty() && c.contains.empty() && c.min == 0 && c.max == kNoLimit && !c.unique &&
         !c.evaluated.all && c.evaluated.prefix == 0 && c.evaluated.contains.empty();
}

}  // namespace

template <class Case>
std::vector<Case> SchemaReader::all_pairs(const std::vector<Case>& a, const std::vector<Case>& b) {
  std::vector<Case> result;
  if (says_nothing(a) || says_nothing(b)) {
    append(result, says_nothing(a) ? b : a);
    return result;
  }
  for (const Case& x : a) {
    for (const Case& y : b) {
      if (!read(x) || !read(y)) return {};
      Case both = x;
      if (merge(both, y) && make(both)) result.push_back(std::move(both));
    }
  }
  return result;
}

std::vector<ObjectCase> SchemaReader::product(const std::vector<ObjectCase>& a,
                                              const std::vector<ObjectCase>& b) {
  return all_pairs(a, b);
}

std::vector<ArrayCase> SchemaReader::product(const std::vector<ArrayCase>& a,
                                             const std::vector<ArrayCase>& b) {
  return all_pairs(a, b);
}

template <>
const std::vector<ObjectCase>& SchemaReader::cases_of(Atom a) {
  return objects(a);
}
template <>
const std::vector<ArrayCase>& SchemaReader::cases_of(Atom a) {
  return arrays(a);
}

const std::vector<ObjectCase>& SchemaReader::objects(Atom a) {
  static const std::vector<ObjectCase> none;
  if (failed()) return none;
  const auto found = objects_.find(a);
  if (found != objects_.end()) {
    if (!found->second) refuse(a >> 1, Keyword::kRef, "the schema refers to itself without end");
    return found->second ? *found->second : none;
  }
  objects_[a] = std::nullopt;
  if (++depth_ > 300) refuse(a >> 1, Keyword::kCount, "the schema is nested too deeply");
  std::vector<ObjectCase> result;
  if (!failed())
    result = (a & 1) != 0 ? negated_cases<ObjectCase>(a >> 1) : cases<ObjectCase>(a >> 1);
  --depth_;
  return *(objects_[a] = std::move(result));
}

const std::vector<ArrayCase>& SchemaReader::arrays(Atom a) {
  static const std::vector<ArrayCase> none;
  if (failed()) return none;
  const auto found = arrays_.find(a);
  if (found != arrays_.end()) {
    if (!found->second) refuse(a >> 1, Keyword::kRef, "the schema refers to itself without end");
    return found->second ? *found->second : none;
  }
  arrays_[a] = std::nullopt;
  if (++depth_ > 300) refuse(a >> 1, Keyword::kCount, "the schema is nested too deeply");
  std::vector<ArrayCase> result;
  if (!failed())
    result = (a & 1) != 0 ? negated_cases<ArrayCase>(a >> 1) : cases<ArrayCase>(a >> 1);
  --depth_;
  return *(arrays_[a] = std::move(result));
}

template <class Case>
std::vector<Case> SchemaReader::without_evaluation(std::vector<Case> list) {
  for (Case& c : list) c.evaluated = {};
  return list;
}

// One branch is enough; where evaluation counts, every set of branches that hold.
template <class Case>
std::vector<Case> SchemaReader::cases_of_any(const std::vector<NodeId>& branches) {
  std::vector<Case> result;
  if (!document_.uses_unevaluated()) {
    for (const NodeId branch : branches) append(result, cases_of<Case>(atom(branch)));
    return result;
  }
  if (branches.size() > 8) {
    refuse(branches[0], Keyword::kAnyOf, "of more than eight, with unevaluated keywords");
    return result;
  }
  for (std::uint32_t set = 1; set < 1u << branches.size(); ++set) {
    std::vector<Case> all{Case{}};
    for (std::size_t i = 0; i < branches.size(); ++i)
      if ((set >> i & 1) != 0) all = product(all, cases_of<Case>(atom(branches[i])));
    append(result, all);
  }
  return result;
}

// Each branch but for what others hold of it; most overlap with none.
template <class Case>
std::vector<Case> SchemaReader::one_of(const std::vector<NodeId>& all) {
  std::vector<Case> result;
  std::vector<NodeId> branches;  // those that hold for some value of this kind
  for (const NodeId branch : all)
    if (!cases_of<Case>(atom(branch)).empty()) branches.push_back(branch);
  const std::size_t n = branches.size();
  if (!store_.meter().hold(n * n / 8)) return result;
  std::vector<std::vector<bool>> overlap(n, std::vector<bool>(n));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = i + 1; j < n && !failed() && store_.spend(4); ++j)
      overlap[i][j] = overlap[j][i] =
          !product(cases_of<Case>(atom(branches[i])), cases_of<Case>(atom(branches[j]))).empty();
  for (std::size_t i = 0; i < n && !failed(); ++i) {
    std::vector<Case> one;
    append(one, cases_of<Case>(atom(branches[i])));
    for (std::size_t j = 0; j < n && !one.empty() && store_.spend(1); ++j)
      if (overlap[i][j] && j != i)
        one = product(one, without_evaluation(cases_of<Case>(atom(branches[j], true))));
    append(result, one);
  }
  return result;
}

template <class Case>
std::vector<Case> SchemaReader::cases(NodeId node) {
  if (node == kTrueNode) return {Case{}};
  if (node == kFalseNode || (types(node) & kTypeOf<Case>) == 0) return {};
  const SchemaNode& schema = document_.node(node);
  if (!schema.value->is_object()) {
    refuse(node, Keyword::kCount, "a schema is an object, true or false");
    return {};
  }
  std::vector<Case> result{Case{}};
  own_cases(node, result);
  if (const auto target = reference(node)) result = product(result, cases_of<Case>(atom(*target)));
  const auto values = [&](const json::value& list) {
    std::vector<Case> sum;
    for (const json::value& value : list.get_array())
      if (is_kind(value, static_cast<Case*>(nullptr)))
        append(sum, cases_of<Case>(atom(const_schema(value, node))));
    return sum;
  };
  if (const json::value* list = schema.at(Keyword::kEnum); list && list->is_array())
    result = product(result, values(*list));
  if (const json::value* value = schema.at(Keyword::kConst); value && since(node, Draft::k6)) {
    if (!is_kind(*value, static_cast<Case*>(nullptr))) return {};
    result = product(result, cases_of<Case>(atom(const_schema(*value, node))));
  }
  for (const NodeId part : list(node, Keyword::kAllOf))
    result = product(result, cases_of<Case>(atom(part)));
  if (schema.at(Keyword::kAnyOf) != nullptr)
    result = product(result, cases_of_any<Case>(list(node, Keyword::kAnyOf)));
  if (schema.at(Keyword::kOneOf) != nullptr)
    result = product(result, one_of<Case>(list(node, Keyword::kOneOf)));
  if (schema.at(Keyword::kNot) != nullptr)
    result =
        product(result, without_evaluation(cases_of<Case>(atom(sub(node, Keyword::kNot), true))));
  if (schema.at(Keyword::kIf) != nullptr && since(node, Draft::k7)) {
    const NodeId when = sub(node, Keyword::kIf);
    std::vector<Case> ways =
        product(cases_of<Case>(atom(when)), cases_of<Case>(atom(sub(node, Keyword::kThen))));
    append(ways, product(without_evaluation(cases_of<Case>(atom(when, true))),
                         cases_of<Case>(atom(sub(node, Keyword::kElse)))));
    result = product(result, ways);
  }
  if (document_.uses_unevaluated()) add_unevaluated(node, result);
  return result;
}

// De Morgan: some keyword does not hold.
template <class Case>
std::vector<Case> SchemaReader::negated_cases(NodeId node) {
  if (node == kTrueNode) return {};
  if (node == kFalseNode || (types(node) & kTypeOf<Case>) == 0) return {Case{}};
  const SchemaNode& schema = document_.node(node);
  std::vector<Case> result;
  own_negations(node, result);
  if (const auto target = reference(node)) append(result, cases_of<Case>(atom(*target, true)));
  const auto none_of = [&](const json::array& list) {
    std::vector<Case> all{Case{}};
    for (const json::value& value : list)
      if (is_kind(value, static_cast<Case*>(nullptr)))
        all = product(all, cases_of<Case>(atom(const_schema(value, node), true)));
    return all;
  };
  if (const json::value* list = schema.at(Keyword::kEnum); list && list->is_array())
    append(result, none_of(list->get_array()));
  if (const json::value* value = schema.at(Keyword::kConst); value && since(node, Draft::k6)) {
    if (!is_kind(*value, static_cast<Case*>(nullptr))) return {Case{}};
    append(result, cases_of<Case>(atom(const_schema(*value, node), true)));
  }
  for (const NodeId part : list(node, Keyword::kAllOf))
    append(result, cases_of<Case>(atom(part, true)));
  const auto none = [&](const std::vector<NodeId>& branches) {
    std::vector<Case> all{Case{}};
    for (const NodeId branch : branches) all = product(all, cases_of<Case>(atom(branch, true)));
    return all;
  };
  if (schema.at(Keyword::kAnyOf) != nullptr) append(result, none(list(node, Keyword::kAnyOf)));
  if (schema.at(Keyword::kOneOf) != nullptr) {
    const std::vector<NodeId> branches = list(node, Keyword::kOneOf);
    append(result, none(branches));
    for (std::size_t i = 0; i < branches.size(); ++i)
      for (std::size_t j = i + 1; j < branches.size() && !failed() && store_.spend(4); ++j)
        append(result,
               product(cases_of<Case>(atom(branches[i])), cases_of<Case>(atom(branches[j]))));
  }
  if (schema.at(Keyword::kNot) != nullptr)
    append(result, cases_of<Case>(atom(sub(node, Keyword::kNot))));
  if (schema.at(Keyword::kIf) != nullptr && since(node, Draft::k7)) {
    const NodeId when = sub(node, Keyword::kIf);
    append(result, product(cases_of<Case>(atom(when)),
                           cases_of<Case>(atom(sub(node, Keyword::kThen), true))));
    append(result, product(cases_of<Case>(atom(when, true)),
                           cases_of<Case>(atom(sub(node, Keyword::kElse), true))));
  }
  // Some case that says nothing: all values do.
  for (const Case& c : result)
    if (says_nothing(std::vector<Case>{c})) return {Case{}};
  return without_evaluation(std::move(result));
}

template std::vector<ObjectCase> SchemaReader::cases<ObjectCase>(NodeId);
template std::vector<ArrayCase> SchemaReader::cases<ArrayCase>(NodeId);
template std::vector<ObjectCase> SchemaReader::negated_cases<ObjectCase>(NodeId);
template std::vector<ArrayCase> SchemaReader::negated_cases<ArrayCase>(NodeId);

}  // namespace aquilon::constraint
