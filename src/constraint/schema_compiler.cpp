#include <algorithm>

#include "constraint/name_set_internal.h"
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
  if (!store_.spend(4 + atoms.size())) return kNoValue;
  const auto [at, inserted] = ids_.emplace(atoms, static_cast<ValueId>(program_->values.size()));
  if (!inserted) return at->second;
  hold(sizeof(ValueShape));
  store_.meter().hold(160 + 2 * atoms.size() * sizeof(Atom));
  program_->values.emplace_back();
  atoms_.push_back(std::move(atoms));
  if (program_->values.size() > kMaxValues)
    reader_.refuse(kTrueNode, Keyword::kCount,
                   fmt::format("needs more than {} combinations of subschemas", kMaxValues));
  return at->second;
}

std::optional<SchemaRefusal> SchemaCompiler::compile(SchemaProgram& program) {
  program_ = &program;
  program.values.emplace_back();  // kNoValue
  atoms_.emplace_back();
  program.root = value({atom(reader_.document().root())});
  for (ValueId id = 1; id < program.values.size() && goes_on(); ++id) expand(id);
  while (goes_on() && mark_possible()) {
  }
  if (goes_on()) prune();
  for (const ValueShape& value : program.values)
    if (goes_on() && std::max(value.objects.size(), value.arrays.size()) > kMaxAlternatives)
      reader_.refuse(kTrueNode, Keyword::kCount,
                     fmt::format("some value may be one of more than {} kinds of objects or arrays",
                                 kMaxAlternatives));
  if (store_.exhausted()) reader_.refuse(kTrueNode, Keyword::kCount, store_.meter().shortage());
  if (!reader_.failed() && (program.root == kNoValue || !program.values[program.root].possible))
    reader_.refuse(kTrueNode, Keyword::kCount, "no value satisfies the schema");
  return reader_.refusal();
}

void SchemaCompiler::expand(ValueId id) {
  if (!store_.spend(32)) return;
  const std::vector<Atom> atoms = atoms_[id];
  const Scalars scalars = reader_.scalars_of(atoms);
  std::vector<ObjectCase> objects{ObjectCase{}};
  std::vector<ArrayCase> arrays{ArrayCase{}};
  for (const Atom a : atoms) {
    objects = reader_.product(objects, reader_.objects(a));
    arrays = reader_.product(arrays, reader_.arrays(a));
  }
  if (!goes_on()) return;
  ValueShape shape;
  if (!store_.is_empty(scalars.text)) shape.strings = reader_.string_text(scalars.text);
  if (!store_.is_empty(scalars.number)) shape.numbers = without_zeros(scalars.number);
  std::vector<RegexId> ways{shape.strings, shape.numbers};
  if (scalars.null) ways.push_back(store_.literal("null"));
  if (scalars.yes) ways.push_back(store_.literal("true"));
  if (scalars.no) ways.push_back(store_.literal("false"));
  shape.scalar = store_.any_of(std::move(ways));
  for (std::size_t i = 0; i < objects.size() && goes_on(); ++i)
    shape.objects.push_back(object(objects[i]));
  for (std::size_t i = 0; i < arrays.size() && goes_on(); ++i)
    shape.arrays.push_back(array(arrays[i]));
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
  if (!store_.spend(1 + text.size() / 8)) return false;
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
    hold(sizeof(Choice));
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
  hold(sizeof(ObjectShape));
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
  if (goes_on()) add_free_keys(c, shape);
  program_->objects.push_back(std::move(shape));
  return static_cast<std::uint32_t>(program_->objects.size() - 1);
}

namespace {

// A key that a case names, and what it says of it.
struct NamedKey {
  std::vector<Atom> atoms;
  // Where the schema names it first: among the properties, then among the required ones.
  std::uint32_t rank = kNoLimit;
  bool required = false;
};

using NamedKeys = std::map<std::string_view, NamedKey>;

NamedKeys named_keys(const ObjectCase& c) {
  NamedKeys keys;
  std::uint32_t rank = 0;
  for (const auto& [name, value] : c.properties) {
    NamedKey& key = keys[name];
    key.atoms.push_back(value);
    key.rank = std::min(key.rank, rank++);
  }
  for (const std::string_view name : c.required) {
    NamedKey& key = keys[name];
    key.required = true;
    key.rank = std::min(key.rank, rank++);
  }
  for (const AdditionalRule& rule : c.additional)
    for (const std::string_view name : rule.except.names) keys[name];
  for (const ExistsRule& rule : c.exists)
    for (const std::string_view name : rule.except.names) keys[name];
  for (auto& [name, key] : keys) key.rank = std::min(key.rank, rank);
  return keys;
}

}  // namespace

void SchemaCompiler::add_keys(const ObjectCase& c, ObjectShape& shape) {
  std::vector<NameSet> additional, exists;  // the names that the rules leave out
  for (const AdditionalRule& rule : c.additional) additional.emplace_back(rule.except.names);
  for (const ExistsRule& rule : c.exists) exists.emplace_back(rule.except.names);
  for (auto& [name, named] : named_keys(c)) {
    ObjectKey key{json_spelling(name), named.required, named.rank, {}};
    hold(sizeof(ObjectKey) + key.text.size() * (1 + sizeof(KeyNode)));
    if (!store_.spend(8 + key.text.size() / 4 + additional.size() + exists.size())) return;
    const auto any_pattern = [&](const std::vector<RegexId>& languages) {
      for (const RegexId language : languages)
        if (matches(language, key.text)) return true;
      return false;
    };
    const auto covers = [&, name = name](const KeyScope& except, const NameSet& names) {
      return !names.has(name) && !any_pattern(except.patterns);
    };
    std::vector<Atom>& atoms = named.atoms;
    for (const auto& [language, value] : c.patterns)
      if (matches(language, key.text)) atoms.push_back(value);
    for (std::size_t i = 0; i < additional.size(); ++i)
      if (covers(c.additional[i].except, additional[i])) atoms.push_back(c.additional[i].schema);
    for (const RegexId language : c.names)
      if (!matches(language, key.text)) atoms.push_back(kFalseAtom);
    std::vector<bool> in_scope;
    for (std::size_t i = 0; i < exists.size(); ++i) {
      const RegexId pattern = c.exists[i].name;
      in_scope.push_back(covers(c.exists[i].except, exists[i]) &&
                         (pattern == kNothing || matches(pattern, key.text)));
    }
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
    if (!store_.spend(4 + atoms.size())) return {};
    hold(sizeof(Choice));
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
  for (std::uint32_t i = 0; i <= prefix && goes_on(); ++i) {
    hold(sizeof(shape.items[0]));
    shape.items.push_back(item_choices(c, i));
  }
  program_->arrays.push_back(std::move(shape));
  return static_cast<std::uint32_t>(program_->arrays.size() - 1);
}

}  // namespace aquilon::constraint
