// From a schema's cases to the tables of SchemaProgram, with everything that no value can satisfy
// taken away, so that what is begun can always be ended.
#pragma once

#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "constraint/schema_program_internal.h"
#include "constraint/schema_reader_internal.h"

namespace aquilon::constraint {

class SchemaCompiler {
 public:
  // `key_order`: objects' keys come in the order in which the schema declares them.
  SchemaCompiler(const boost::json::value& schema, RegexStore& store, bool key_order = false)
      : store_(store), reader_(schema, store), key_order_(key_order) {}

  // The program, or why there is none.
  std::optional<SchemaRefusal> compile(SchemaProgram& program);
  SchemaReader& reader() { return reader_; }

 private:
  ValueId value(std::vector<Atom> atoms);
  void expand(ValueId id);
  std::uint32_t object(const ObjectCase& c);
  void add_keys(const ObjectCase& c, ObjectShape& shape);
  void add_free_keys(const ObjectCase& c, ObjectShape& shape);
  std::vector<Choice> key_choices(const ObjectCase& c, std::vector<Atom> atoms,
                                  const std::vector<bool>& in_scope);
  std::uint32_t array(const ArrayCase& c);
  std::vector<Choice> item_choices(const ArrayCase& c, std::uint32_t index);
  bool mark_possible();
  bool is_possible(const ObjectShape& shape);
  bool is_possible(const ArrayShape& shape);
  bool has_enough_values(const ArrayShape& shape, std::uint32_t need);
  std::size_t count_values(ValueId id, std::size_t limit);
  RegexId without_zeros(RegexId numbers);
  void prune();
  void finish(ObjectShape& shape);
  void finish_free_keys(ObjectShape& shape);
  void build_tree(ObjectShape& shape);
  void set_order(ObjectShape& shape);
  bool matches(RegexId language, std::string_view text);
  // Neither refused nor out of what it may take.
  bool goes_on() const { return !reader_.failed() && !store_.exhausted(); }
  // Memory of the program's.
  void hold(std::size_t bytes) {
    program_->bytes += bytes;
    store_.meter().hold(bytes);
  }
  RegexId names_language(const ObjectCase& c);
  bool any(const std::vector<Choice>& choices) const {
    for (const Choice& choice : choices)
      if (program_->values[choice.value].possible) return true;
    return false;
  }

  RegexStore& store_;
  SchemaReader reader_;
  bool key_order_;
  SchemaProgram* program_ = nullptr;
  std::map<std::vector<Atom>, ValueId> ids_;
  std::unordered_map<ValueId, std::size_t> value_counts_;
  std::vector<std::vector<Atom>> atoms_;
};

}  // namespace aquilon::constraint
