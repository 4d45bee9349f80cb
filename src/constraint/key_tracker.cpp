#include <algorithm>

#include "constraint/key_tracker_internal.h"

namespace aquilon::constraint {

KeyTracker::KeyTracker() : opens_(1), keys_(1), texts_(1) {}

bool KeyTracker::step(KeyPosition& at, unsigned char byte) {
  using Mode = KeyPosition::Mode;
  const auto open = [&](std::uint32_t parent, std::uint32_t keys, bool object) {
    // 31 bits of each are more than memory's limit lets grow.
    const std::uint64_t key = std::uint64_t{parent} << 32 | keys << 1 | (object ? 1u : 0u);
    const auto [found, inserted] =
        open_index_.emplace(key, static_cast<std::uint32_t>(opens_.size()));
    if (inserted) opens_.push_back({parent, keys, object});
    return found->second;
  };
  const auto append = [&] {
    const auto [found, inserted] = text_index_.emplace(std::uint64_t{at.text} << 8 | byte,
                                                       static_cast<std::uint32_t>(texts_.size()));
    if (inserted) texts_.push_back({at.text, texts_[at.text].length + 1, byte});
    at.text = found->second;
  };
  switch (at.mode) {
    case Mode::kString:
      if (byte == '\\') at.mode = Mode::kStringEscape;
      if (byte == '"') at.mode = Mode::kPlain;
      return true;
    case Mode::kStringEscape:
      at.mode = Mode::kString;
      return true;
    case Mode::kKeyEscape:
      append();
      at.mode = Mode::kKey;
      return true;
    case Mode::kKey: {
      if (byte != '"') {
        append();
        if (byte == '\\') at.mode = Mode::kKeyEscape;
        return true;
      }
      const Open top = opens_[at.open];
      for (std::uint32_t key = top.keys; key != 0; key = keys_[key].before)
        if (keys_[key].text == at.text) return false;
      const auto [found, inserted] = key_index_.emplace(std::uint64_t{top.keys} << 32 | at.text,
                                                        static_cast<std::uint32_t>(keys_.size()));
      if (inserted) keys_.push_back({top.keys, at.text});
      at = {Mode::kPlain, open(top.parent, found->second, true), 0};
      return true;
    }
    case Mode::kPlain:
    case Mode::kExpectKey:
      break;
  }
  if (byte == '"') {
    at.mode = at.mode == Mode::kExpectKey ? Mode::kKey : Mode::kString;
    at.text = 0;
  } else if (byte == '{' || byte == '[') {
    at = {byte == '{' ? Mode::kExpectKey : Mode::kPlain, open(at.open, 0, byte == '{'), 0};
  } else if (byte == '}' || byte == ']') {
    at = {Mode::kPlain, opens_[at.open].parent, 0};
  } else if (byte == ',') {
    at.mode = opens_[at.open].object ? Mode::kExpectKey : Mode::kPlain;
  }
  return true;
}

// `end` goes on from `begin`.
std::string KeyTracker::text_between(std::uint32_t begin, std::uint32_t end) const {
  std::string text;
  for (; end != begin; end = texts_[end].before) text += static_cast<char>(texts_[end].byte);
  std::reverse(text.begin(), text.end());
  return text;
}

std::vector<std::string> KeyTracker::rests_of_used(const KeyPosition& at) const {
  std::vector<std::string> rests;
  if (at.mode != KeyPosition::Mode::kKey && at.mode != KeyPosition::Mode::kKeyEscape) return rests;
  const std::uint32_t length = texts_[at.text].length;
  for (std::uint32_t key = opens_[at.open].keys; key != 0; key = keys_[key].before) {
    std::uint32_t text = keys_[key].text;
    if (texts_[text].length < length) continue;
    while (texts_[text].length > length) text = texts_[text].before;
    if (text == at.text) rests.push_back(text_between(text, keys_[key].text));
  }
  return rests;
}

bool KeyTracker::uses_any_of(const KeyPosition& at, const Vocabulary::Quoted& quoted) const {
  const auto is_one = [&](std::uint32_t text) {
    const Text& end = texts_[text];
    if (end.length > quoted.longest || (end.length > 0 && !quoted.last.has(end.byte))) return false;
    return std::binary_search(quoted.names.begin(), quoted.names.end(), text_between(0, text));
  };
  for (std::uint32_t open = at.open; open != 0; open = opens_[open].parent)
    for (std::uint32_t key = opens_[open].keys; key != 0; key = keys_[key].before)
      if (is_one(keys_[key].text)) return true;
  return false;
}

}  // namespace aquilon::constraint
