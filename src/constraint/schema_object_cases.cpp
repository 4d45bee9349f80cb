// Keywords about objects, and their negations.
#include <algorithm>

#include "constraint/schema_reader_internal.h"

namespace aquilon::constraint {
namespace {

namespace json = boost::json;

std::vector<std::string_view> strings_in(const json::value& value) {
  std::vector<std::string_view> texts;
  if (const json::array* list = value.if_array())
    for (const json::value& item : *list)
      if (item.is_string()) texts.emplace_back(item.get_string());
  return texts;
}

ObjectCase without(std::string_view key) {
  ObjectCase c;
  c.properties.emplace_back(key, kFalseAtom);
  return c;
}

ObjectCase with(std::string_view key) {
  ObjectCase c;
  c.required.push_back(key);
  return c;
}

// One entry of `dependencies`, dependentRequired or dependentSchemas.
struct Dependency {
  std::string_view key;
  std::vector<std::string_view> required;
  NodeId schema = kTrueNode;
};

std::vector<Dependency> dependencies(SchemaDocument& document, NodeId node) {
  std::vector<Dependency> result;
  for (const Keyword keyword :
       {Keyword::kDependencies, Keyword::kDependentRequired, Keyword::kDependentSchemas}) {
    const json::value* value = document.node(node).at(keyword);
    if (value == nullptr || !value->is_object()) continue;
    if (keyword != Keyword::kDependencies && document.draft(node) < Draft::k2019) continue;
    for (const auto& [key, entry] : value->get_object()) {
      Dependency dependency{key, strings_in(entry), kTrueNode};
      if (entry.is_string()) dependency.required.emplace_back(entry.get_string());
      if (entry.is_object() || entry.is_bool())
        dependency.schema = document.child(
            node, entry, fmt::format("/{}/{}", keyword_name(keyword), pointer_token(key)));
      result.push_back(std::move(dependency));
    }
  }
  return result;
}

}  // namespace

void SchemaReader::add_dependencies(NodeId node, std::vector<ObjectCase>& out) {
  for (const Dependency& dependency : dependencies(document_, node)) {
    if (dependency.required.empty() && dependency.schema == kTrueNode) continue;
    ObjectCase present = with(dependency.key);
    for (const std::string_view key : dependency.required)
      if (key != dependency.key) present.required.push_back(key);
    std::vector<ObjectCase> ways = product({present}, objects(atom(dependency.schema)));
    ways.push_back(without(dependency.key));
    out = product(out, ways);
    if (store_.exhausted()) return;
  }
}

void SchemaReader::negate_dependencies(NodeId node, std::vector<ObjectCase>& out) {
  for (const Dependency& dependency : dependencies(document_, node)) {
    for (const std::string_view key : dependency.required) {
      ObjectCase c = with(dependency.key);
      c.properties.emplace_back(key, kFalseAtom);
      if (key != dependency.key && make(c)) out.push_back(std::move(c));
    }
    append(out, product({with(dependency.key)}, objects(atom(dependency.schema, true))));
    if (store_.exhausted()) return;
  }
}

namespace {

// The entries of an object of schemas; nothing where it is none.
const json::object* members(const SchemaNode& node, Keyword keyword) {
  const json::value* value = node.at(keyword);
  return value == nullptr ? nullptr : value->if_object();
}

}  // namespace

void SchemaReader::own_cases(NodeId node, std::vector<ObjectCase>& out) {
  const SchemaNode& schema = document_.node(node);
  ObjectCase c;
  KeyScope declared;
  for (const Keyword keyword : {Keyword::kProperties, Keyword::kPatternProperties})
    if (schema.at(keyword) != nullptr && members(schema, keyword) == nullptr)
      return refuse(node, keyword, "is no object");
  if (const json::object* object = members(schema, Keyword::kProperties)) {
    for (const auto& [key, value] : *object) {
      declared.names.push_back(key);
      const NodeId sub = document_.child(node, value, "/properties/" + pointer_token(key));
      c.properties.emplace_back(key, atom(sub));
    }
  }
  if (const json::object* object = members(schema, Keyword::kPatternProperties)) {
    for (const auto& [key, value] : *object) {
      const RegexId language = pattern(node, Keyword::kPatternProperties, key);
      declared.patterns.push_back(language);
      const NodeId sub = document_.child(node, value, "/patternProperties/" + pointer_token(key));
      if (sub != kTrueNode) c.patterns.emplace_back(language, atom(sub));
    }
  }
  c.evaluated.keys = declared;
  if (schema.at(Keyword::kAdditionalProperties) != nullptr) {
    c.evaluated.all = true;
    const NodeId sub = this->sub(node, Keyword::kAdditionalProperties);
    if (sub != kTrueNode) c.additional.push_back({declared, atom(sub)});
  }
  if (schema.at(Keyword::kPropertyNames) != nullptr && since(node, Draft::k6)) {
    const RegexId names = scalars(sub(node, Keyword::kPropertyNames)).text;
    if (names != strings_.any_text) c.names.push_back(names);
  }
  if (const json::value* list = schema.at(Keyword::kRequired)) {
    if (list->is_array())
      c.required = strings_in(*list);
    else if (!list->is_bool())  // draft 3's, an annotation since
      return refuse(node, Keyword::kRequired, "is no array of strings");
  }
  c.min = count(node, Keyword::kMinProperties).value_or(0);
  c.max = count(node, Keyword::kMaxProperties).value_or(kNoLimit);
  if (!document_.uses_unevaluated()) c.evaluated = {};
  ObjectCase checked;
  if (!make(c) || !merge(checked, c)) {
    out.clear();
    return;
  }
  out = {std::move(checked)};
  add_dependencies(node, out);
}

void SchemaReader::own_negations(NodeId node, std::vector<ObjectCase>& out) {
  const SchemaNode& schema = document_.node(node);
  if (schema.at(Keyword::kUnevaluatedProperties) != nullptr && since(node, Draft::k2019))
    return refuse(node, Keyword::kUnevaluatedProperties, "within a negation");
  std::vector<ObjectCase> positive{ObjectCase{}};
  KeyScope declared;
  if (const json::object* object = members(schema, Keyword::kProperties)) {
    for (const auto& [key, value] : *object) {
      declared.names.push_back(key);
      const NodeId sub = document_.child(node, value, "/properties/" + pointer_token(key));
      if (sub == kTrueNode) continue;
      ObjectCase c = with(key);
      c.properties.emplace_back(key, atom(sub, true));
      if (!make(c)) return;
      out.push_back(std::move(c));
    }
  }
  if (const json::object* object = members(schema, Keyword::kPatternProperties)) {
    for (const auto& [key, value] : *object) {
      const RegexId language = pattern(node, Keyword::kPatternProperties, key);
      declared.patterns.push_back(language);
      const NodeId sub = document_.child(node, value, "/patternProperties/" + pointer_token(key));
      if (sub == kTrueNode || store_.exhausted()) continue;
      ObjectCase c;
      c.exists.push_back({{}, language, atom(sub, true)});
      out.push_back(std::move(c));
    }
  }
  if (schema.at(Keyword::kAdditionalProperties) != nullptr) {
    const NodeId sub = this->sub(node, Keyword::kAdditionalProperties);
    ObjectCase c;
    c.exists.push_back({declared, kNothing, atom(sub, true)});
    if (sub != kTrueNode) out.push_back(std::move(c));
  }
  if (schema.at(Keyword::kPropertyNames) != nullptr && since(node, Draft::k6)) {
    const RegexId names = scalars(sub(node, Keyword::kPropertyNames)).text;
    ObjectCase c;
    c.exists.push_back({{}, store_.minus(strings_.one_text, names), kTrueAtom});
    if (names != strings_.any_text) out.push_back(std::move(c));
  }
  if (const json::value* list = schema.at(Keyword::kRequired))
    for (const std::string_view key : strings_in(*list)) out.push_back(without(key));
  if (const auto min = count(node, Keyword::kMinProperties); min && *min > 0) {
    ObjectCase c;
    c.max = *min - 1;
    out.push_back(std::move(c));
  }
  if (const auto max = count(node, Keyword::kMaxProperties)) {
    ObjectCase c;
    c.min = *max + 1;
    out.push_back(std::move(c));
  }
  negate_dependencies(node, out);
}

void SchemaReader::add_unevaluated(NodeId node, std::vector<ObjectCase>& out) {
  if (document_.node(node).at(Keyword::kUnevaluatedProperties) == nullptr ||
      !since(node, Draft::k2019))
    return;
  const NodeId schema = sub(node, Keyword::kUnevaluatedProperties);
  std::vector<ObjectCase> result;
  for (ObjectCase& c : out) {
    ObjectCase rule;
    if (!make(c)) return;
    if (!c.evaluated.all && schema != kTrueNode)
      rule.additional.push_back({c.evaluated.keys, atom(schema)});
    if (!merge(c, rule)) continue;
    c.evaluated.all = true;
    result.push_back(std::move(c));
  }
  out = std::move(result);
}

}  // namespace aquilon::constraint
