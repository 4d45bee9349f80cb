// Reading single keywords, and what is cheap to see of a schema.
#include <algorithm>
#include <boost/json/serialize.hpp>

#include "constraint/schema_reader_internal.h"

namespace aquilon::constraint {

namespace json = boost::json;

SchemaReader::SchemaReader(const json::value& schema, RegexStore& store)
    : store_(store), document_(schema, store.meter()), strings_(store), numbers_(store) {
  if (document_.too_deep()) refuse(kTrueNode, Keyword::kCount, "the schema is nested too deeply");
}

void SchemaReader::refuse(NodeId node, Keyword keyword, std::string reason) {
  if (refusal_) return;
  // What is missing then may have been left out for that alone.
  const std::string shortage = store_.exhausted() ? store_.meter().shortage() : std::string();
  if (reason.find(shortage) == reason.npos) reason = shortage;
  refusal_ = SchemaRefusal{document_.node(node).pointer, std::string(keyword_name(keyword)),
                           std::move(reason)};
}

// Whether another copy of it is within the budget.
bool SchemaReader::may_copy(const json::value& value) {
  constexpr std::size_t kBytes = 64;  // of a value in memory, its name included
  if (!store_.spend(2) || !store_.meter().hold(kBytes)) return false;
  if (const json::object* object = value.if_object())
    return std::all_of(object->begin(), object->end(),
                       [&](const auto& member) { return may_copy(member.value()); });
  if (const json::array* array = value.if_array())
    return std::all_of(array->begin(), array->end(),
                       [&](const json::value& item) { return may_copy(item); });
  const json::string* text = value.if_string();
  return text == nullptr || store_.meter().hold(text->size());
}

std::uint32_t SchemaReader::types(NodeId node) {
  const json::value* type = document_.node(node).at(Keyword::kType);
  if (type == nullptr) return kAllTypes;
  const auto one = [&](const json::value& name) -> std::uint32_t {
    static constexpr std::pair<std::string_view, std::uint32_t> kTypes[] = {
        {"null", kNullType},
        {"boolean", kBooleanType},
        {"object", kObjectType},
        {"array", kArrayType},
        {"number", kNumberType | kIntegerType},
        {"integer", kIntegerType},
        {"string", kStringType}};
    if (name.is_string())
      for (const auto& [text, bit] : kTypes)
        if (name.get_string() == text) return bit;
    refuse(node, Keyword::kType, "is no type of JSON Schema: " + json::serialize(name));
    return 0;
  };
  if (!type->is_array()) return one(*type);
  std::uint32_t bits = 0;
  for (const json::value& name : type->get_array()) bits |= one(name);
  return bits;
}

std::optional<NodeId> SchemaReader::reference(NodeId node) {
  const SchemaNode& schema = document_.node(node);
  for (const Keyword keyword : {Keyword::kRef, Keyword::kDynamicRef, Keyword::kRecursiveRef}) {
    const json::value* text = schema.at(keyword);
    if (text == nullptr) continue;
    const Draft draft = document_.draft(node);
    if (keyword == Keyword::kDynamicRef && draft != Draft::k2020) continue;
    if (keyword == Keyword::kRecursiveRef && draft != Draft::k2019) continue;
    if (!text->is_string()) {
      refuse(node, keyword, "is no string");
      return std::nullopt;
    }
    const std::string_view uri(text->get_string());
    const auto target =
        keyword == Keyword::kRef
            ? document_.resolve(node, uri)
            : document_.resolve_dynamic(node, uri, keyword == Keyword::kRecursiveRef);
    if (!target)
      refuse(node, keyword,
             fmt::format("'{}' is not in the schema{}", uri.substr(0, 200),
                         keyword == Keyword::kRef ? "; nothing is fetched"
                                                  : " or depends on the way there"));
    // Both $ref and $dynamicRef in one schema is not in use; the first one found is not all of it.
    if (keyword == Keyword::kRef && draft == Draft::k2020 && schema.at(Keyword::kDynamicRef))
      refuse(node, Keyword::kDynamicRef, "beside $ref cannot be enforced");
    return target;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> SchemaReader::count(NodeId node, Keyword keyword) {
  const json::value* value = document_.node(node).at(keyword);
  if (value == nullptr) return std::nullopt;
  const auto decimal = decimal_of(*value);
  if (!decimal || decimal->negative || !decimal->fraction.empty()) {
    refuse(node, keyword, "is no natural number");
    return std::nullopt;
  }
  if (decimal->whole.size() > 9) return 1'000'000'000;  // as good as none, or as never
  return static_cast<std::uint32_t>(std::stoul(decimal->whole));
}

std::vector<NodeId> SchemaReader::list(NodeId node, Keyword keyword) {
  const json::value* value = document_.node(node).at(keyword);
  std::vector<NodeId> nodes;
  if (value == nullptr) return nodes;
  const json::array* members = value->if_array();
  if (members == nullptr) {
    refuse(node, keyword, "is no array of schemas");
    return nodes;
  }
  const std::string path = fmt::format("/{}/", keyword_name(keyword));
  for (std::size_t i = 0; i < members->size() && store_.spend(1); ++i)
    nodes.push_back(document_.child(node, (*members)[i], path + std::to_string(i)));
  return nodes;
}

NodeId SchemaReader::sub(NodeId node, Keyword keyword) {
  const json::value* value = document_.node(node).at(keyword);
  if (value == nullptr) return kTrueNode;
  return document_.child(node, *value, fmt::format("/{}", keyword_name(keyword)));
}

// {"const": value} for an object or array, as properties or items.
NodeId SchemaReader::const_schema(const json::value& value, NodeId near) {
  const auto [at, inserted] = const_schemas_.emplace(&value, kTrueNode);
  if (!inserted) return at->second;
  if (!may_copy(value)) return kFalseNode;
  json::object schema;
  if (const json::object* object = value.if_object()) {
    json::object properties;
    json::array required;
    for (const auto& [key, member] : *object) {
      properties[key] = json::object{{"enum", json::array{member}}};
      required.push_back(json::value(key));
    }
    schema = {{"type", "object"},
              {"properties", std::move(properties)},
              {"required", std::move(required)},
              {"additionalProperties", false}};
  } else {
    json::array items;
    for (const json::value& member : value.get_array())
      items.push_back(json::object{{"enum", json::array{member}}});
    const std::size_t n = items.size();
    schema = {{"type", "array"}, {"items", std::move(items)}, {"minItems", n}, {"maxItems", n}};
  }
  return const_schemas_[&value] = document_.made(std::move(schema), near);
}

std::uint32_t SchemaReader::possible_types(Atom a, int depth) {
  const NodeId node = a >> 1;
  if (node == kTrueNode || !store_.spend(4)) return kAllTypes;
  if (node == kFalseNode) return 0;
  const SchemaNode& schema = document_.node(node);
  if (!schema.value->is_object()) return kAllTypes;
  if ((a & 1) != 0) {
    // Not: only where the type is all that the schema says.
    if (schema.value->get_object().size() != 1 || schema.at(Keyword::kType) == nullptr)
      return kAllTypes;
    std::uint32_t bits = types(node);
    return kAllTypes & ~bits;
  }
  std::uint32_t bits = types(node);
  const auto of_value = [](const json::value& value) -> std::uint32_t {
    return value.is_object()   ? kObjectType
           : value.is_array()  ? kArrayType
           : value.is_string() ? kStringType
           : value.is_bool()   ? kBooleanType
           : value.is_null()   ? kNullType
                               : kNumberType | kIntegerType;
  };
  if (const json::value* list = schema.at(Keyword::kEnum); list && list->is_array()) {
    std::uint32_t any = 0;
    if (!store_.spend(list->get_array().size() / 16)) return kAllTypes;
    for (const json::value& value : list->get_array()) any |= of_value(value);
    bits &= any;
  }
  if (const json::value* value = schema.at(Keyword::kConst); value && since(node, Draft::k6))
    bits &= of_value(*value);
  if (depth > 6) return bits;
  if (schema.at(Keyword::kRef) != nullptr)
    if (const auto target = reference(node)) bits &= possible_types(atom(*target), depth + 1);
  for (const NodeId part : list(node, Keyword::kAllOf))
    bits &= possible_types(atom(part), depth + 1);
  for (const Keyword keyword : {Keyword::kAnyOf, Keyword::kOneOf}) {
    if (schema.at(keyword) == nullptr) continue;
    std::uint32_t any = 0;
    for (const NodeId part : list(node, keyword)) any |= possible_types(atom(part), depth + 1);
    bits &= any;
  }
  return bits;
}

bool SchemaReader::may_hold(const std::vector<Atom>& atoms) {
  std::vector<Atom> key = atoms;
  std::sort(key.begin(), key.end());
  key.erase(std::unique(key.begin(), key.end()), key.end());
  for (const Atom a : key) {
    if (a == kFalseAtom) return false;
    if ((a & 1) != 0 && std::binary_search(key.begin(), key.end(), a ^ 1)) return false;
  }
  if (key.size() < 2) return true;
  const auto found = may_hold_.find(key);
  if (found != may_hold_.end()) return found->second;
  std::uint32_t bits = kAllTypes;
  for (const Atom a : key) bits &= possible_types(a);
  bool holds = (bits & (kObjectType | kArrayType)) != 0;
  if (!holds && bits != 0) {
    const Scalars scalars = scalars_of(key);
    holds = !is_empty(scalars);
  }
  if (store_.meter().hold(128 + key.size() * sizeof(Atom))) may_hold_[key] = holds;
  return holds;
}

}  // namespace aquilon::constraint
