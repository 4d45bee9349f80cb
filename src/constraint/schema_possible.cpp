// Which values exist at all, and the tables without those that do not.
#include <algorithm>

#include "constraint/schema_compiler_internal.h"

namespace aquilon::constraint {
namespace {

constexpr std::size_t kMaxListed = 256;  // names of a finite language that are listed as keys

}  // namespace

bool SchemaCompiler::is_possible(const ObjectShape& shape) {
  if (!store_.spend(1 + shape.keys.size() / 8)) return false;
  std::size_t required = 0, usable = 0;
  std::uint32_t fulfilled = 0;
  const auto note = [&](const std::vector<Choice>& choices) {
    for (const Choice& choice : choices)
      if (program_->values[choice.value].possible) fulfilled |= choice.fulfils;
  };
  for (const ObjectKey& key : shape.keys) {
    const bool can = any(key.choices);
    if (key.required && !can) return false;
    required += key.required;
    usable += can;
    note(key.choices);
  }
  bool free = false;
  for (const auto& [set, choices] : shape.classes) {
    free = free || any(choices);
    note(choices);
  }
  if (fulfilled != shape.obligations || required > shape.max) return false;
  if (shape.obligations != 0 && shape.max == 0) return false;
  return free || shape.min <= usable;
}

// How many values it has that differ; `limit` if so many or more. Objects and arrays count as many.
std::size_t SchemaCompiler::count_values(ValueId id, std::size_t limit) {
  const auto [at, inserted] = value_counts_.try_emplace(id, limit);
  if (!inserted) return std::min(at->second, limit);
  const ValueShape& value = program_->values[id];
  if (!value.objects.empty() || !value.arrays.empty()) return limit;
  std::size_t count = 0;
  for (const char* literal : {"null", "true", "false"}) count += matches(value.scalar, literal);
  if (value.strings != kNothing) count += store_.count_texts(value.strings, limit);
  // Equal numbers have several texts; the shortest of each is counted.
  if (value.numbers != kNothing)
    count += store_.count_texts(store_.both(value.numbers, reader_.numbers().shortest()), limit);
  return value_counts_[id] = std::min(count, limit);
}

// Whether there are values for `need` items that all differ.
bool SchemaCompiler::has_enough_values(const ArrayShape& shape, std::uint32_t need) {
  constexpr std::uint32_t kMany = 256;
  if (!shape.unique || need == 0 || need > kMany) return true;
  std::vector<ValueId> values;
  for (std::size_t i = 0; i < std::min<std::size_t>(need, shape.items.size()); ++i)
    for (const Choice& choice : shape.items[i])
      if (program_->values[choice.value].possible) values.push_back(choice.value);
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  std::size_t sum = 0;
  for (std::size_t i = 0; i < values.size() && sum < need; ++i)
    sum += count_values(values[i], kMany);
  return sum >= need;
}

bool SchemaCompiler::is_possible(const ArrayShape& shape) {
  if (!store_.spend(1 + shape.items.size() / 8)) return false;
  std::uint32_t need = shape.min;
  for (const auto& [min, max] : shape.counted) need = std::max(need, min);
  if (need > shape.max) return false;
  // Every counter must be able to reach its least number before items end.
  std::vector<std::uint32_t> chances(shape.counted.size());
  const std::uint32_t last = static_cast<std::uint32_t>(shape.items.size()) - 1;
  std::uint32_t i = 0;
  bool endless = false;
  for (; i < shape.max; ++i) {
    const std::vector<Choice>& choices = shape.items[std::min(i, last)];
    if (!any(choices)) break;
    for (std::size_t k = 0; k < chances.size(); ++k)
      for (const Choice& choice : choices)
        if ((choice.fulfils >> k & 1) != 0 && program_->values[choice.value].possible) {
          chances[k] = i >= last ? kNoLimit : chances[k] + 1;
          break;
        }
    if (i >= last) {
      endless = true;
      break;
    }
  }
  if (!endless && i < need) return false;
  for (std::size_t k = 0; k < chances.size(); ++k)
    if (chances[k] < shape.counted[k].first) return false;
  return has_enough_values(shape, need);
}

// One round of the least fixed point; whether anything changed. Values are numbered before those
// that they hold, so that going backwards few rounds are needed.
bool SchemaCompiler::mark_possible() {
  if (!store_.spend(1 + program_->values.size() / 16)) return false;
  bool changed = false;
  for (std::size_t id = program_->values.size(); id-- > 0;) {
    ValueShape& value = program_->values[id];
    if (value.possible) continue;
    bool possible = value.scalar != kNothing;
    for (const std::uint32_t shape : value.objects)
      possible = possible || is_possible(program_->objects[shape]);
    for (const std::uint32_t shape : value.arrays)
      possible = possible || is_possible(program_->arrays[shape]);
    changed = changed || possible;
    value.possible = possible;
  }
  return changed;
}

void SchemaCompiler::prune() {
  const auto drop = [&](std::vector<Choice>& choices) {
    std::erase_if(choices, [&](const Choice& c) { return !program_->values[c.value].possible; });
  };
  std::vector<bool> objects, arrays;
  for (const ObjectShape& shape : program_->objects) objects.push_back(is_possible(shape));
  for (const ArrayShape& shape : program_->arrays) arrays.push_back(is_possible(shape));
  for (ValueShape& value : program_->values) {
    std::erase_if(value.objects, [&](std::uint32_t id) { return !objects[id]; });
    std::erase_if(value.arrays, [&](std::uint32_t id) { return !arrays[id]; });
  }
  for (ObjectShape& shape : program_->objects) {
    for (ObjectKey& key : shape.keys) drop(key.choices);
    for (auto& [set, choices] : shape.classes) drop(choices);
    std::erase_if(shape.classes, [](const auto& entry) { return entry.second.empty(); });
    finish(shape);
  }
  for (ArrayShape& shape : program_->arrays) {
    for (std::uint32_t i = 0; i < shape.items.size(); ++i) {
      drop(shape.items[i]);
      if (shape.items[i].empty()) shape.max = std::min(shape.max, i);
    }
  }
}

// Contents of other keys that some class allows, none of them a declared name.
void SchemaCompiler::finish_free_keys(ObjectShape& shape) {
  shape.free = !shape.classes.empty();
  if (!shape.free) return;
  const RegexId one_text = reader_.strings().one_text;
  if (!shape.patterns.empty() && !shape.classes.contains(0)) {
    std::vector<RegexId> allowed;
    std::uint64_t mentioned = 0;
    for (const auto& [set, choices] : shape.classes) mentioned |= set;
    for (std::size_t i = 0; i < shape.patterns.size(); ++i)
      if ((mentioned >> i & 1) != 0) allowed.push_back(shape.patterns[i]);
    RegexId sum = store_.any_of(std::move(allowed));
    if (store_.is_empty(store_.minus(one_text, sum))) sum = one_text;  // ".*" and its kind
    if (sum != one_text)
      shape.free_text = shape.free_text == one_text ? sum : store_.both(shape.free_text, sum);
  }
  if (shape.free_text == one_text && (shape.patterns.empty() || shape.classes.size() == 1)) {
    // Every name is allowed; those of a single class need no list of what else there is.
    const bool all = shape.patterns.empty() || shape.classes.contains(0) ||
                     store_.is_empty(store_.minus(one_text, store_.any_of(shape.patterns)));
    if (all && (shape.patterns.empty() || !shape.classes.contains(0))) return;
  }
  std::vector<std::string> names;
  for (const ObjectKey& key : shape.keys) names.push_back(key.text);
  // Sets of patterns whose values exclude each other: no key may match just those.
  for (std::uint64_t set = 0; set < 1ULL << std::min<std::size_t>(shape.patterns.size(), 5);
       ++set) {
    if (shape.patterns.size() > 5 || shape.classes.contains(set)) continue;
    std::vector<RegexId> all{shape.free_text};
    for (std::size_t i = 0; i < shape.patterns.size(); ++i)
      all.push_back((set >> i & 1) != 0 ? shape.patterns[i] : store_.complement(shape.patterns[i]));
    const RegexId excluded = store_.all_of(std::move(all));
    if (!store_.is_empty(excluded)) shape.free_text = store_.minus(shape.free_text, excluded);
  }
  if (shape.free_text != one_text && !names.empty())
    shape.free_text = store_.minus(shape.free_text, store_.literals(std::move(names)));
  if (store_.is_empty(shape.free_text)) {
    shape.free = false;
    shape.classes.clear();
    return;
  }
  std::vector<std::string> texts;
  if (shape.free_text == one_text || !store_.list_texts(shape.free_text, kMaxListed, texts)) {
    shape.finite_free = shape.free_text != one_text && store_.has_finite_ends(shape.free_text);
    return;
  }
  for (const std::string& text : texts) {
    std::uint64_t set = 0;
    for (std::size_t i = 0; i < shape.patterns.size(); ++i)
      if (matches(shape.patterns[i], text)) set |= 1ULL << i;
    const auto found = shape.classes.find(set);
    if (found != shape.classes.end()) shape.keys.push_back({text, false, kNoLimit, found->second});
  }
  std::sort(shape.keys.begin(), shape.keys.end(),
            [](const ObjectKey& a, const ObjectKey& b) { return a.text < b.text; });
  shape.free = false;
  shape.classes.clear();
}

void SchemaCompiler::finish(ObjectShape& shape) {
  finish_free_keys(shape);
  program_->free_keys = program_->free_keys || shape.free;
  const std::size_t words = (shape.keys.size() + 63) / 64;
  shape.usable.assign(words, 0);
  shape.required.assign(words, 0);
  for (std::size_t i = 0; i < shape.keys.size(); ++i) {
    if (!shape.keys[i].choices.empty()) shape.usable[i / 64] |= 1ULL << (i % 64);
    if (shape.keys[i].required) shape.required[i / 64] |= 1ULL << (i % 64);
  }
  if (key_order_) set_order(shape);
  build_tree(shape);
}

void SchemaCompiler::set_order(ObjectShape& shape) {
  for (std::uint32_t k = 0; k < shape.keys.size(); ++k) shape.in_order.push_back(k);
  std::stable_sort(
      shape.in_order.begin(), shape.in_order.end(),
      [&](std::uint32_t a, std::uint32_t b) { return shape.keys[a].rank < shape.keys[b].rank; });
  for (std::uint32_t rank = 0; rank < shape.in_order.size(); ++rank)
    shape.keys[shape.in_order[rank]].rank = rank;
}

void SchemaCompiler::build_tree(ObjectShape& shape) {
  shape.tree.assign(1, {0, -1, 0, 0, 0, static_cast<std::uint32_t>(shape.keys.size())});
  for (std::uint32_t k = 0; k < shape.keys.size(); ++k) {
    std::uint32_t at = 0;
    for (const char c : shape.keys[k].text) {
      const auto byte = static_cast<unsigned char>(c);
      std::uint32_t child = shape.tree[at].child;
      while (child != 0 && shape.tree[child].byte != byte) child = shape.tree[child].sibling;
      if (child == 0) {
        child = static_cast<std::uint32_t>(shape.tree.size());
        shape.tree.push_back({byte, -1, 0, shape.tree[at].child, k, k});
        shape.tree[at].child = child;
      }
      shape.tree[child].high = k + 1;
      at = child;
    }
    shape.tree[at].key = static_cast<std::int32_t>(k);
  }
}

}  // namespace aquilon::constraint
