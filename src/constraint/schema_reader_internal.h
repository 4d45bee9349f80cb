// From nodes to cases: the algebra of JSON Schema's applicators. Whatever cannot be enforced is
// remembered as the one refusal; answers are then meaningless.
#pragma once

#include <boost/json/value.hpp>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "constraint/code_points_internal.h"
#include "constraint/numbers_internal.h"
#include "constraint/schema_shapes_internal.h"

namespace aquilon::constraint {

// Kinds of values, as bits.
enum : std::uint32_t {
  kNullType = 1,
  kBooleanType = 2,
  kObjectType = 4,
  kArrayType = 8,
  kNumberType = 16,
  kIntegerType = 32,
  kStringType = 64,
  kAllTypes = 127
};

class SchemaReader {
 public:
  SchemaReader(const boost::json::value& schema, RegexStore& store);

  SchemaDocument& document() { return document_; }
  const JsonStrings& strings() const { return strings_; }
  const NumberTexts& numbers() const { return numbers_; }
  const std::optional<SchemaRefusal>& refusal() const { return refusal_; }
  void refuse(NodeId node, Keyword keyword, std::string reason);
  bool failed() const { return refusal_.has_value(); }

  const Scalars& scalars(NodeId node);
  Scalars scalars_of(const std::vector<Atom>& atoms);
  const std::vector<ObjectCase>& objects(Atom atom);
  const std::vector<ArrayCase>& arrays(Atom atom);
  std::vector<ObjectCase> product(const std::vector<ObjectCase>& a,
                                  const std::vector<ObjectCase>& b);
  std::vector<ArrayCase> product(const std::vector<ArrayCase>& a, const std::vector<ArrayCase>& b);
  // False where it is cheap to see that no value satisfies all.
  bool may_hold(const std::vector<Atom>& atoms);
  RegexId string_text(RegexId contents) {
    return store_.concat(strings_.quote, store_.concat(contents, strings_.quote));
  }
  bool is_empty(const Scalars& scalars);

 private:
  friend class CaseReader;
  Scalars read_scalars(NodeId node);
  Scalars scalars_of_value(const boost::json::value& value);
  Scalars scalars_of_values(const boost::json::array& values);
  void read_string_keywords(NodeId node, Scalars& scalars);
  void read_number_keywords(NodeId node, Scalars& scalars);
  void read_format(NodeId node, Scalars& scalars);
  void restrict_types(NodeId node, Scalars& scalars);
  Scalars both(const Scalars& a, const Scalars& b);
  Scalars either(const Scalars& a, const Scalars& b);
  Scalars complement(const Scalars& a);
  static Scalars all_scalars(const JsonStrings& strings, const NumberTexts& numbers);
  Scalars any_of(const std::vector<NodeId>& parts);
  Scalars exactly_one(const std::vector<Scalars>& branches);

  std::uint32_t types(NodeId node);                        // from `type`
  std::uint32_t possible_types(Atom atom, int depth = 0);  // a superset
  std::optional<NodeId> reference(NodeId node);            // $ref and its kin
  std::optional<std::uint32_t> count(NodeId node, Keyword keyword);
  std::vector<NodeId> list(NodeId node, Keyword keyword);
  NodeId sub(NodeId node, Keyword keyword);
  bool since(NodeId node, Draft draft) { return document_.draft(node) >= draft; }
  RegexId pattern(NodeId node, Keyword keyword, std::string_view text);
  NodeId const_schema(const boost::json::value& value, NodeId near);

  template <class Case>
  std::vector<Case> cases(NodeId node);
  template <class Case>
  std::vector<Case> negated_cases(NodeId node);
  void own_cases(NodeId node, std::vector<ObjectCase>& out);
  void own_cases(NodeId node, std::vector<ArrayCase>& out);
  void own_negations(NodeId node, std::vector<ObjectCase>& out);
  void own_negations(NodeId node, std::vector<ArrayCase>& out);
  void add_dependencies(NodeId node, std::vector<ObjectCase>& out);
  void negate_dependencies(NodeId node, std::vector<ObjectCase>& out);
  void add_unevaluated(NodeId node, std::vector<ObjectCase>& out);
  void add_unevaluated(NodeId node, std::vector<ArrayCase>& out);
  template <class Case>
  const std::vector<Case>& cases_of(Atom atom);
  template <class Case>
  std::vector<Case> cases_of_any(const std::vector<NodeId>& branches);
  template <class Case>
  std::vector<Case> one_of(const std::vector<NodeId>& all);
  template <class Case>
  std::vector<Case> without_evaluation(std::vector<Case> list);
  template <class Case>
  void append(std::vector<Case>& into, const std::vector<Case>& from);
  template <class Case>
  std::vector<Case> all_pairs(const std::vector<Case>& a, const std::vector<Case>& b);
  bool can_have_required(const ObjectCase& c);
  bool merge(ObjectCase& into, const ObjectCase& from);
  bool merge(ArrayCase& into, const ArrayCase& from);
  // Take from the budget what another case like it costs, its memory too where it is kept; false,
  // and refused, where that is too much.
  template <class Case>
  bool read(const Case& c);
  template <class Case>
  bool make(const Case& c);
  bool may_copy(const boost::json::value& value);

  RegexStore& store_;
  SchemaDocument document_;
  JsonStrings strings_;
  NumberTexts numbers_;
  std::optional<SchemaRefusal> refusal_;
  std::unordered_map<NodeId, std::optional<Scalars>> scalars_;
  std::unordered_map<Atom, std::optional<std::vector<ObjectCase>>> objects_;
  std::unordered_map<Atom, std::optional<std::vector<ArrayCase>>> arrays_;
  std::map<std::vector<Atom>, bool> may_hold_;
  std::unordered_map<std::string, RegexId> patterns_, formats_;
  std::unordered_map<const boost::json::value*, NodeId> const_schemas_;
  int depth_ = 0;
};

}  // namespace aquilon::constraint
