#include <algorithm>

#include "constraint/schema_compiler_internal.h"

namespace aquilon::constraint {
namespace {

constexpr std::size_t kMaxValues = 60'000;

}  // namespace

ValueId SchemaCompiler::value(std::vector<Atom> atoms) {
  std::sort(atoms.begin(), atoms.end());
  atoms.erase(std::unique(atoms.begin(), atoms.end()), atoms.end());
  atoms.erase(std::remove(atoms.begin(), atoms.end(), kTrueAtom), atoms.end());
  for (const Atom a : atoms) {
    if (a == kFalseAtom) return kNoValue;
    if ((a & 1) != 0 && std::binary_search(atoms.begin(), atoms.end(), a ^ 1)) return kNoValue;
  }
  const auto [at, inserted] = ids_.emplace(atoms, static_cast<ValueId>(program_->values.size()));
  if (!inserted) return at->second;
  program_->values.emplace_back();
  atoms_.push_back(std::move(atoms));
  if (program_->values.size() > kMaxValues)
    reader_.refuse(kTrueNode, Keyword::kCount, "too many combinations of subschemas to enforce");
  return at->second;
}

std::optional<SchemaRefusal> SchemaCompiler::compile(SchemaProgram& program) {
  program_ = &program;
  program.values.emplace_back();  // kNoValue
  atoms_.emplace_back();
  program.root = value({atom(reader_.document().root())});
  for (ValueId id = 1; id < program.values.size() && !reader_.failed(); ++id) expand(id);
  while (!reader_.failed() && mark_possible()) {
  }
  if (!reader_.failed()) prune();
  if (store_.exhausted())
    reader_.refuse(kTrueNode, Keyword::kCount, "the schema needs too many states to be enforced");
  if (!reader_.failed() && (program.root == kNoValue || !program.values[program.root].possible))
    reader_.refuse(kTrueNode, Keyword::kCount, "no value satisfies the schema");
  return reader_.refusal();
}

void SchemaCompiler::expand(ValueId id) {
  const std::vector<Atom> atoms = atoms_[id];
  const Scalars scalars = reader_.scalars_of(atoms);
  std::vector<ObjectCase> objects{ObjectCase{}};
  std::vector<ArrayCase> arrays{ArrayCase{}};
  for (const Atom a : atoms) {
    objects = reader_.product(objects, reader_.objects(a));
    arrays = reader_.product(arrays, reader_.arrays(a));
  }
  if (reader_.failed()) return;
  ValueShape shape;
  if (!store_.is_empty(scalars.text)) shape.strings = reader_.string_text(scalars.text);
  if (!store_.is_empty(scalars.number)) shape.numbers = without_zeros(scalars.number);
  std::vector<RegexId> ways{shape.strings, shape.numbers};
  if (scalars.null) ways.push_back(store_.literal("null"));
  if (scalars.yes) ways.push_back(store_.literal("true"));
  if (scalars.no) ways.push_back(store_.literal("false"));
  shape.scalar = store_.any_of(std::move(ways));
  for (const ObjectCase& c : objects) shape.objects.push_back(object(c));
  for (const ArrayCase& c : arrays) shape.arrays.push_back(array(c));
  program_->values[id] = std::move(shape);
}

// Integers without a second zero behind the point: they would be free to go on with zeros for ever.
RegexId SchemaCompiler::without_zeros(RegexId numbers) {
  const NumberTexts& texts = reader_.numbers();
  if (numbers == texts.whole()) return texts.short_whole();
  if (numbers == texts.integer()) return numbers;
  const bool whole =
      numbers != texts.any() && store_.is_empty(store_.minus(numbers, texts.whole()));
  return whole ? store_.both(numbers, texts.short_whole()) : numbers;
}

bool SchemaCompiler::matches(RegexId language, std::string_view text) {
  for (const char byte : text) {
    language = store_.next(language, static_cast<unsigned char>(byte));
    if (language == kNothing) return false;
  }
  return store_.nullable(language);
}

// The value's subschemas, with every set of the obligations that this key may fulfil.
std::vector<Choice> SchemaCompiler::key_choices(const ObjectCase& c, std::vector<Atom> atoms,
                                                const std::vector<bool>& in_scope) {
  std::vector<std::uint32_t> mine;
  for (std::uint32_t i = 0; i < c.exists.size(); ++i)
    if (in_scope[i]) mine.push_back(i);
  if (mine.size() > 4) {
    reader_.refuse(kTrueNode, Keyword::kNot, "too many negated keywords about one object");
    return {};
  }
  std::vector<Choice> choices;
  for (std::uint32_t set = 0; set < 1u << mine.size(); ++set) {
    std::vector<Atom> all = atoms;
    Choice choice;
    for (std::size_t i = 0; i < mine.size(); ++i) {
      if ((set >> i & 1) == 0) continue;
      all.push_back(c.exists[mine[i]].value);
      choice.fulfils |= 1u << mine[i];
    }
    choice.value = value(std::move(all));
    if (choice.value != kNoValue) choices.push_back(choice);
  }
  return choices;
}

std::uint32_t SchemaCompiler::object(const ObjectCase& c) {
  ObjectShape shape;
  shape.min = c.min;
  shape.max = c.max;
  if (c.exists.size() > 16)
    reader_.refuse(kTrueNode, Keyword::kNot, "too many negated keywords about one object");
  else
    shape.obligations = (1u << c.exists.size()) - 1;
  for (const auto& [language, value] : c.patterns) shape.patterns.push_back(language);
  for (const AdditionalRule& rule : c.additional)
    for (const RegexId language : rule.except.patterns) shape.patterns.push_back(language);
  for (const ExistsRule& rule : c.exists) {
    if (rule.name != kNothing) shape.patterns.push_back(rule.name);
    for (const RegexId language : rule.except.patterns) shape.patterns.push_back(language);
  }
  std::sort(shape.patterns.begin(), shape.patterns.end());
  shape.patterns.erase(std::unique(shape.patterns.begin(), shape.patterns.end()),
                       shape.patterns.end());
  add_keys(c, shape);
  if (!reader_.failed()) add_free_keys(c, shape);
  program_->objects.push_back(std::move(shape));
  return static_cast<std::uint32_t>(program_->objects.size() - 1);
}

namespace {

bool has(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Where the schema names the key first: among the properties, then among the required ones.
std::uint32_t rank_of(const ObjectCase& c, std::string_view name) {
  const auto property = std::find_if(c.properties.begin(), c.properties.end(),
                                     [&](const auto& entry) { return entry.first == name; });
  const auto required = std::find(c.required.begin(), c.required.end(), name);
  std::ptrdiff_t rank = property - c.properties.begin();
  if (property == c.properties.end()) rank += required - c.required.begin();
  return static_cast<std::uint32_t>(rank);
}

}  // namespace

void SchemaCompiler::add_keys(const ObjectCase& c, ObjectShape& shape) {
  std::map<std::string_view, std::vector<Atom>> keys;
  for (const auto& [name, value] : c.properties) keys[name].push_back(value);
  for (const std::string_view name : c.required) keys[name];
  for (const AdditionalRule& rule : c.additional)
    for (const std::string_view name : rule.except.names) keys[name];
  for (const ExistsRule& rule : c.exists)
    for (const std::string_view name : rule.except.names) keys[name];
  for (auto& [name, atoms] : keys) {
    ObjectKey key{json_spelling(name), has(c.required, name), rank_of(c, name), {}};
    const auto any_pattern = [&](const std::vector<RegexId>& languages) {
      for (const RegexId language : languages)
        if (matches(language, key.text)) return true;
      return false;
    };
    const auto covers = [&](const KeyScope& except) {
      return !has(except.names, name) && !any_pattern(except.patterns);
    };
    for (const auto& [language, value] : c.patterns)
      if (matches(language, key.text)) atoms.push_back(value);
    for (const AdditionalRule& rule : c.additional)
      if (covers(rule.except)) atoms.push_back(rule.schema);
    for (const RegexId language : c.names)
      if (!matches(language, key.text)) atoms.push_back(kFalseAtom);
    std::vector<bool> in_scope;
    for (const ExistsRule& rule : c.exists)
      in_scope.push_back(covers(rule.except) &&
                         (rule.name == kNothing || matches(rule.name, key.text)));
    key.choices = key_choices(c, std::move(atoms), in_scope);
    shape.keys.push_back(std::move(key));
  }
  std::sort(shape.keys.begin(), shape.keys.end(),
            [](const ObjectKey& a, const ObjectKey& b) { return a.text < b.text; });
}

RegexId SchemaCompiler::names_language(const ObjectCase& c) {
  RegexId text = reader_.strings().one_text;
  for (const RegexId language : c.names) text = store_.both(text, language);
  return text;
}

// What other keys may hold, by the set of patterns that they match.
void SchemaCompiler::add_free_keys(const ObjectCase& c, ObjectShape& shape) {
  const std::vector<RegexId>& patterns = shape.patterns;
  if (patterns.size() > 60)
    return reader_.refuse(kTrueNode, Keyword::kPatternProperties, "more than 60 in one object");
  const RegexId names = names_language(c);
  if (store_.is_empty(names)) return;
  const auto index = [&](RegexId language) {
    return std::lower_bound(patterns.begin(), patterns.end(), language) - patterns.begin();
  };
  // Sets of patterns that one key can match, found by adding one pattern after the other.
  std::vector<std::pair<std::uint64_t, RegexId>> sets{{0, names}};
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    const std::size_t n = sets.size();
    for (std::size_t k = 0; k < n; ++k) {
      const RegexId with = store_.both(sets[k].second, patterns[i]);
      if (store_.is_empty(with)) continue;
      sets.emplace_back(sets[k].first | 1ULL << i, with);
    }
    if (sets.size() > 512)
      return reader_.refuse(kTrueNode, Keyword::kPatternProperties,
                            "too many overlapping patterns in one object");
  }
  for (const auto& [set, language] : sets) {
    const auto in_set = [&, set = set](RegexId pattern) { return set >> index(pattern) & 1; };
    const auto covers = [&](const KeyScope& except) {
      return std::none_of(except.patterns.begin(), except.patterns.end(), in_set);
    };
    std::vector<Atom> atoms;
    for (const auto& [pattern, value] : c.patterns)
      if (in_set(pattern)) atoms.push_back(value);
    for (const AdditionalRule& rule : c.additional)
      if (covers(rule.except)) atoms.push_back(rule.schema);
    std::vector<bool> in_scope;
    for (const ExistsRule& rule : c.exists)
      in_scope.push_back(covers(rule.except) && (rule.name == kNothing || in_set(rule.name)));
    std::vector<Choice> choices = key_choices(c, std::move(atoms), in_scope);
    if (!choices.empty()) shape.classes[set] = std::move(choices);
  }
  shape.free = !shape.classes.empty();
  shape.free_text = names;
}

std::vector<Choice> SchemaCompiler::item_choices(const ArrayCase& c, std::uint32_t index) {
  std::vector<Choice> choices;
  for (std::uint32_t set = 0; set < 1u << c.contains.size(); ++set) {
    std::vector<Atom> atoms;
    for (const ItemsRule& rule : c.items)
      atoms.push_back(index < rule.prefix.size() ? rule.prefix[index] : rule.rest);
    bool valid = true;
    for (std::size_t i = 0; i < c.contains.size(); ++i) {
      const ContainsRule& rule = c.contains[i];
      const bool counts = (set >> i & 1) != 0;
      if (counts && index < rule.from) valid = false;
      if (counts) atoms.push_back(rule.schema);
      if (!counts && index >= rule.from && rule.max != kNoLimit) atoms.push_back(rule.schema ^ 1);
    }
    if (!valid) continue;
    for (Atom& a : atoms)
      if (a >> 1 <= kFalseNode) a = atom(a >> 1, (a & 1) != 0);  // not true is false
    const Choice choice{set, value(std::move(atoms))};
    if (choice.value != kNoValue) choices.push_back(choice);
  }
  return choices;
}

std::uint32_t SchemaCompiler::array(const ArrayCase& c) {
  ArrayShape shape;
  shape.min = c.min;
  shape.max = c.max;
  shape.unique = c.unique;
  if (c.contains.size() > 4)
    reader_.refuse(kTrueNode, Keyword::kContains, "more than four about one array");
  std::uint32_t prefix = 0;
  for (const ItemsRule& rule : c.items)
    prefix = std::max(prefix, static_cast<std::uint32_t>(rule.prefix.size()));
  for (const ContainsRule& rule : c.contains) {
    prefix = std::max(prefix, rule.from);
    shape.counted.emplace_back(rule.min, rule.max);
  }
  for (std::uint32_t i = 0; i <= prefix && !reader_.failed(); ++i)
    shape.items.push_back(item_choices(c, i));
  program_->arrays.push_back(std::move(shape));
  return static_cast<std::uint32_t>(program_->arrays.size() - 1);
}

}  // namespace aquilon::constraint
