// Arrays: items by index, counted ones, and those that may not come twice.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "constraint/machine_internal.h"
#include "constraint/numbers_internal.h"

namespace aquilon::constraint {
namespace {

namespace json = boost::json;

// Equal values have equal forms: keys sorted, numbers without superfluous zeros.
void write_canonical(const json::value& value, std::string& out) {
  if (const json::object* object = value.if_object()) {
    std::vector<std::pair<std::string, const json::value*>> members;
    for (const auto& [key, member] : *object) members.emplace_back(key, &member);
    std::sort(members.begin(), members.end());
    out += '{';
    for (const auto& [key, member] : members) {
      out += '"' + json_spelling(key) + "\":";
      write_canonical(*member, out);
      out += ',';
    }
    out += '}';
  } else if (const json::array* list = value.if_array()) {
    out += '[';
    for (const json::value& item : *list) {
      write_canonical(item, out);
      out += ',';
    }
    out += ']';
  } else if (const json::string* text = value.if_string()) {
    out += '"' + json_spelling(std::string_view(*text)) + '"';
  } else if (value.is_number()) {
    const auto decimal = decimal_of(value);
    out += decimal ? decimal->text() : json::serialize(value);
  } else {
    out += json::serialize(value);
  }
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n' || text.front() == '\t' ||
                           text.front() == '\r'))
    text.remove_prefix(1);
  return text;
}

std::string canonical(std::string_view item) {
  item = trimmed(item);
  if (const auto number = parse_decimal(item)) return number->text();  // beyond what doubles hold
  json::error_code ec;
  json::parse_options options;
  options.max_depth = 512;
  const json::value value = json::parse(item, ec, {}, options);
  if (ec) return std::string(item);
  std::string out;
  write_canonical(value, out);
  return out;
}

}  // namespace

std::uint32_t Machine::append_text(std::uint32_t text, unsigned char byte) {
  const auto [at, inserted] = text_index_.emplace(std::uint64_t{text} << 8 | byte,
                                                  static_cast<std::uint32_t>(texts_.size()));
  if (inserted) texts_.push_back({text, byte});
  return at->second;
}

// `to` goes on from `from`.
std::string Machine::text_between(std::uint32_t from, std::uint32_t to) const {
  std::string text;
  for (; to != from && to > 1; to = texts_[to].before) text += static_cast<char>(texts_[to].byte);
  std::reverse(text.begin(), text.end());
  return text;
}

// Whether the counters can reach their least numbers in the items that `max` leaves.
bool Machine::item_alive(const ArrayShape& shape, std::uint32_t count,
                         const std::vector<std::uint32_t>& counters) const {
  if (shape.max == 0xFFFFFFFF) return true;
  for (std::size_t i = 0; i < counters.size(); ++i)
    if (shape.counted[i].first > counters[i] &&
        shape.counted[i].first - counters[i] > shape.max - count)
      return false;
  return true;
}

bool Machine::can_end_array(const ArrayShape& shape, const Frame& f) const {
  if (f.count < shape.min) return false;
  const std::vector<std::uint64_t>& counters = words_[f.marks];
  for (std::size_t i = 0; i < shape.counted.size(); ++i)
    if (counters[i] < shape.counted[i].first) return false;
  return true;
}

// The frames that hold the array while its next item is written, with the item's value.
template <class Visit>
void Machine::item_frames(const Frame& array, std::uint32_t text, Visit visit) {
  const ArrayShape& shape = schema_.arrays[array.shape];
  if (array.count >= shape.max) return;
  const std::size_t at = std::min<std::size_t>(array.count, shape.items.size() - 1);
  Frame next = array;
  next.kind = Kind::kArrayNext;
  next.text = text;
  next.count = array.count + 1;
  if (shape.max == 0xFFFFFFFF)
    next.count = std::min(next.count,
                          std::max(shape.min, static_cast<std::uint32_t>(shape.items.size() - 1)));
  for (const Choice& choice : shape.items[at]) {
    std::vector<std::uint64_t> counters = words_[array.marks];
    std::vector<std::uint32_t> counts;
    bool fits = true;
    for (std::size_t i = 0; i < counters.size(); ++i) {
      const auto& [min, max] = shape.counted[i];
      if ((choice.fulfils >> i & 1) != 0) ++counters[i];
      if (max == 0xFFFFFFFF) counters[i] = std::min<std::uint64_t>(counters[i], min);
      fits = fits && counters[i] <= max;
      counts.push_back(static_cast<std::uint32_t>(counters[i]));
    }
    if (!fits || !item_alive(shape, array.count + 1, counts)) continue;
    next.marks = words_id(counters);
    if (shape.unique && array.seen != 0) {
      const ValueShape& value = schema_.values[choice.value];
      if (value.objects.empty() && value.arrays.empty() &&
          item_lexeme(choice.value, array.seen) == kNothing)
        continue;
    }
    visit(choice.value, frame(next));
  }
}

void Machine::enter_item(const Frame& array, std::uint32_t text, Threads& out) {
  item_frames(array, text, [&](ValueId value, std::uint32_t holder) {
    out.push_back(
        thread(0, frame({.kind = Kind::kValue, .shape = value, .text = text, .parent = holder})));
  });
}

void Machine::step_array(const Frame& f, unsigned char byte, std::uint32_t text, Threads& out) {
  const ArrayShape& shape = schema_.arrays[f.shape];
  if (byte == ']' && can_end_array(shape, f)) return complete(f.parent, text, out);
  if (f.kind == Kind::kArrayNext) {
    if (byte == ',') enter_item(f, text, out);
    return;
  }
  item_frames(f, f.text, [&](ValueId value, std::uint32_t holder) {
    step_value(value, holder, f.text, byte, out);
  });
}

// The strings of a value, with their quotes, where they are few; null elsewhere.
const std::vector<std::string>* Machine::few_strings(ValueId id) {
  constexpr std::size_t kFew = 1024;
  const auto [at, inserted] = few_strings_.try_emplace(id);
  if (inserted) {
    std::vector<std::string> texts;
    if (store_->list_texts(schema_.values[id].strings, kFew, texts)) at->second = std::move(texts);
  }
  return at->second ? &*at->second : nullptr;
}

std::optional<Machine::UniqueEnd> Machine::unique_end(const LexemeThreads& threads) {
  const Frame f = frames_[threads.frames[0]];
  if (threads.frames.size() != 1 || f.kind != Kind::kText) return std::nullopt;
  Frame array = frames_[f.parent];
  if (array.kind != Kind::kArrayNext || frames_[array.parent].text != 0) return std::nullopt;
  const ArrayShape& shape = schema_.arrays[array.shape];
  for (const std::vector<Choice>& choices : shape.items)
    for (const Choice& choice : choices)
      if (!shape.unique || few_strings(choice.value) != nullptr) return std::nullopt;
  const std::string all = text_between(array.text, f.text);
  const std::string_view written = trimmed(all);
  if (written.find('\\') != written.npos) return std::nullopt;  // may be another spelling
  UniqueEnd end;
  std::vector<std::uint64_t> items = words_[array.seen];
  for (const std::uint64_t item : items)
    if (value_texts_[item].starts_with(written))
      end.taken.push_back(value_texts_[item].substr(written.size()));
  // An item that no text is equal to.
  const auto [at, inserted] = values_.emplace("", static_cast<std::uint32_t>(value_texts_.size()));
  if (inserted) value_texts_.emplace_back();
  items.insert(std::lower_bound(items.begin(), items.end(), at->second), at->second);
  array.seen = words_id(items);
  array.text = f.text;
  end.after = thread(0, frame(array));
  return end;
}

// The strings of a value, of which there are few, without those of the items. Most sets hold one
// item more than the one before.
RegexId Machine::strings_left(ValueId id, const std::vector<std::string>& few,
                              const std::vector<std::uint64_t>& items) {
  StringsLeft& last = strings_left_[id];
  if (!std::includes(items.begin(), items.end(), last.without.begin(), last.without.end()))
    last.without.clear();
  if (last.without.empty()) last.strings = store_->literals(few);
  std::vector<std::uint64_t> taken;
  std::set_difference(items.begin(), items.end(), last.without.begin(), last.without.end(),
                      std::back_inserter(taken));
  for (const std::uint64_t item : taken)
    last.strings = store_->without(last.strings, value_texts_[item]);
  last.without = items;
  return last.strings;
}

// The texts of an item's scalars without those of the items in the set `unique`. Strings are taken
// out only where they are few: elsewhere a text that comes twice can always go on.
RegexId Machine::item_lexeme(ValueId id, std::uint32_t unique) {
  const std::uint64_t key = std::uint64_t{id} << 32 | unique;
  const auto found = item_lexemes_.find(key);
  if (found != item_lexemes_.end()) return found->second;
  const ValueShape& value = schema_.values[id];
  const NumberTexts numbers(*store_);
  std::vector<RegexId> taken;
  std::vector<std::string_view> texts;
  for (const std::uint64_t item : words_[unique]) {
    const std::string& text = value_texts_[item];
    if (text.starts_with('"')) continue;
    if (const auto number = parse_decimal(text))
      taken.push_back(numbers.equal_to({*number}));
    else
      texts.push_back(text);
  }
  std::vector<RegexId> ways{value.strings, value.numbers};
  if (const std::vector<std::string>* const few = few_strings(id))
    ways[0] = strings_left(id, *few, words_[unique]);
  if (!taken.empty()) ways[1] = store_->minus(value.numbers, store_->any_of(std::move(taken)));
  if (store_->is_empty(ways[1])) ways[1] = kNothing;
  for (const char* const literal : {"null", "true", "false"})
    if (store_->next(value.scalar, static_cast<unsigned char>(literal[0])) != kNothing &&
        std::find(texts.begin(), texts.end(), literal) == texts.end())
      ways.push_back(store_->literal(literal));
  return item_lexemes_[key] = store_->any_of(std::move(ways));
}

// Takes the item that has just ended into the set; nothing where it came before.
void Machine::complete_item(Frame f, std::uint32_t text, Threads& out) {
  const std::string item = canonical(text_between(f.text, text));
  const auto [at, inserted] =
      values_.emplace(item, static_cast<std::uint32_t>(value_texts_.size()));
  if (inserted) value_texts_.push_back(item);
  std::vector<std::uint64_t> items = words_[f.seen];
  const auto place = std::lower_bound(items.begin(), items.end(), at->second);
  if (place != items.end() && *place == at->second) return;
  items.insert(place, at->second);
  f.seen = words_id(items);
  f.text = text;
  out.push_back(thread(0, frame(f)));
}

}  // namespace aquilon::constraint
