// Keywords about arrays, and their negations.
#include <algorithm>

#include "constraint/schema_reader_internal.h"

namespace aquilon::constraint {

namespace json = boost::json;

namespace {

// The first items' schemas and that of the rest, in any draft's form.
struct Items {
  Keyword prefix = Keyword::kCount;
  Keyword rest = Keyword::kCount;
};

Items items_form(const SchemaNode& schema, Draft draft) {
  const json::value* items = schema.at(Keyword::kItems);
  if (items != nullptr && items->is_array())
    return {Keyword::kItems,
            schema.at(Keyword::kAdditionalItems) ? Keyword::kAdditionalItems : Keyword::kCount};
  Items form;
  if (schema.at(Keyword::kPrefixItems) != nullptr && draft == Draft::k2020)
    form.prefix = Keyword::kPrefixItems;
  if (items != nullptr) form.rest = Keyword::kItems;
  return form;
}

}  // namespace

void SchemaReader::own_cases(NodeId node, std::vector<ArrayCase>& out) {
  const SchemaNode& schema = document_.node(node);
  const Items form = items_form(schema, document_.draft(node));
  ArrayCase c;
  ItemsRule rule;
  if (form.prefix != Keyword::kCount)
    for (const NodeId item : list(node, form.prefix)) rule.prefix.push_back(atom(item));
  if (form.rest != Keyword::kCount) rule.rest = atom(sub(node, form.rest));
  c.evaluated.prefix = static_cast<std::uint32_t>(rule.prefix.size());
  c.evaluated.all = form.rest != Keyword::kCount;
  if (!rule.prefix.empty() || rule.rest != kTrueAtom) c.items.push_back(std::move(rule));
  c.min = count(node, Keyword::kMinItems).value_or(0);
  c.max = count(node, Keyword::kMaxItems).value_or(kNoLimit);
  if (const json::value* unique = schema.at(Keyword::kUniqueItems))
    c.unique = unique->is_bool() && unique->get_bool();
  if (schema.at(Keyword::kContains) != nullptr && since(node, Draft::k6)) {
    const Atom contained = atom(sub(node, Keyword::kContains));
    std::uint32_t min = 1, max = kNoLimit;
    if (since(node, Draft::k2019)) {
      min = count(node, Keyword::kMinContains).value_or(1);
      max = count(node, Keyword::kMaxContains).value_or(kNoLimit);
    }
    if (min > max) {
      out.clear();
      return;
    }
    if (min > 0 || max != kNoLimit) c.contains.push_back({contained, 0, min, max});
    if (document_.draft(node) == Draft::k2020) c.evaluated.contains.push_back(contained);
  }
  if (!document_.uses_unevaluated()) c.evaluated = {};
  ArrayCase checked;
  if (make(c) && merge(checked, c))
    out = {std::move(checked)};
  else
    out.clear();
}

void SchemaReader::own_negations(NodeId node, std::vector<ArrayCase>& out) {
  const SchemaNode& schema = document_.node(node);
  if (schema.at(Keyword::kUnevaluatedItems) != nullptr && since(node, Draft::k2019))
    return refuse(node, Keyword::kUnevaluatedItems, "within a negation");
  const Items form = items_form(schema, document_.draft(node));
  std::uint32_t prefix = 0;
  if (form.prefix != Keyword::kCount) {
    for (const NodeId item : list(node, form.prefix)) {
      ArrayCase c;
      ItemsRule rule;
      rule.prefix.assign(prefix++, kTrueAtom);
      rule.prefix.push_back(atom(item, true));
      c.items.push_back(std::move(rule));
      c.min = prefix;
      if (item == kTrueNode) continue;
      if (!make(c)) return;
      out.push_back(std::move(c));
    }
  }
  if (form.rest != Keyword::kCount) {
    const NodeId rest = sub(node, form.rest);
    ArrayCase c;
    c.min = prefix + 1;
    if (rest != kFalseNode) c.contains.push_back({atom(rest, true), prefix, 1, kNoLimit});
    if (rest != kTrueNode) out.push_back(std::move(c));
  }
  if (const auto min = count(node, Keyword::kMinItems); min && *min > 0) {
    ArrayCase c;
    c.max = *min - 1;
    out.push_back(std::move(c));
  }
  if (const auto max = count(node, Keyword::kMaxItems)) {
    ArrayCase c;
    c.min = *max + 1;
    out.push_back(std::move(c));
  }
  if (const json::value* unique = schema.at(Keyword::kUniqueItems);
      unique && unique->is_bool() && unique->get_bool())
    return refuse(node, Keyword::kUniqueItems, "within a negation");
  if (schema.at(Keyword::kContains) == nullptr || !since(node, Draft::k6)) return;
  const Atom contained = atom(sub(node, Keyword::kContains));
  std::uint32_t min = 1, max = kNoLimit;
  if (since(node, Draft::k2019)) {
    min = count(node, Keyword::kMinContains).value_or(1);
    max = count(node, Keyword::kMaxContains).value_or(kNoLimit);
  }
  ArrayCase few, many;
  few.contains.push_back({contained, 0, 0, min - 1});
  if (min > 0) out.push_back(std::move(few));
  many.contains.push_back({contained, 0, max + 1, kNoLimit});
  if (max != kNoLimit) out.push_back(std::move(many));
}

void SchemaReader::add_unevaluated(NodeId node, std::vector<ArrayCase>& out) {
  if (document_.node(node).at(Keyword::kUnevaluatedItems) == nullptr || !since(node, Draft::k2019))
    return;
  const NodeId schema = sub(node, Keyword::kUnevaluatedItems);
  std::vector<ArrayCase> result;
  for (ArrayCase& c : out) {
    ArrayCase extra;
    if (!make(c)) return;
    if (!c.evaluated.all && schema != kTrueNode) {
      ItemsRule rule;
      rule.prefix.assign(c.evaluated.prefix, kTrueAtom);
      rule.rest = atom(schema);
      if (!c.evaluated.contains.empty()) {
        json::array branches;  // an item that `contains` matched is evaluated
        if (!may_copy(*document_.node(schema).value)) return;
        branches.push_back(*document_.node(schema).value);
        for (const Atom contained : c.evaluated.contains)
          if (!may_copy(*document_.node(contained >> 1).value)) return;
        for (const Atom contained : c.evaluated.contains)
          branches.push_back(*document_.node(contained >> 1).value);
        rule.rest = atom(document_.made(json::object{{"anyOf", std::move(branches)}}, node));
      }
      extra.items.push_back(std::move(rule));
    }
    if (!merge(c, extra)) continue;
    c.evaluated.all = true;
    result.push_back(std::move(c));
  }
  out = std::move(result);
}

}  // namespace aquilon::constraint
