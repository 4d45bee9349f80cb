// Which keys each open object of a JSON text already has: no key may come twice, as readers differ
// in what they then take. Positions are numbers into tables that only grow. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "constraint/vocabulary.h"

namespace aquilon::constraint {

struct KeyPosition {
  enum class Mode : std::uint8_t { kPlain, kExpectKey, kString, kStringEscape, kKey, kKeyEscape };
  Mode mode = Mode::kPlain;
  std::uint32_t open = 0;  // innermost object or array
  std::uint32_t text = 0;  // of the key being written
  friend bool operator==(const KeyPosition&, const KeyPosition&) = default;
};

class KeyTracker {
 public:
  KeyTracker();

  // Moves on by a byte of a text that is valid JSON; false where it ends a key that came before.
  bool step(KeyPosition& at, unsigned char byte);
  // Within a key: the rests of used keys that begin with what is written.
  std::vector<std::string> rests_of_used(const KeyPosition& at) const;
  // Whether an object that is open has one of these keys.
  bool uses_any_of(const KeyPosition& at, const Vocabulary::Quoted& quoted) const;
  bool has_used_keys(const KeyPosition& at) const { return opens_[at.open].keys != 0; }
  std::size_t memory_bytes() const {
    return opens_.size() * 48 + keys_.size() * 16 + texts_.size() * 48;
  }

 private:
  struct Open {
    std::uint32_t parent = 0;
    std::uint32_t keys = 0;
    bool object = false;
  };
  struct Key {
    std::uint32_t before, text;
  };
  struct Text {
    std::uint32_t before, length;
    unsigned char byte;
  };

  std::string text_between(std::uint32_t begin, std::uint32_t end) const;

  std::vector<Open> opens_;
  std::vector<Key> keys_;
  std::vector<Text> texts_;
  std::unordered_map<std::uint64_t, std::uint32_t> text_index_, key_index_, open_index_;
};

}  // namespace aquilon::constraint
