// What a grammar's matchers share: the automaton, the keys of objects, the masks seen so far.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "constraint/key_tracker_internal.h"
#include "constraint/machine_internal.h"
#include "constraint/mask_builder_internal.h"
#include "constraint/vocabulary.h"

namespace aquilon::constraint {

// A place in an answer.
struct Place {
  State state = kDead;
  KeyPosition keys;
};

class GrammarCore {
 public:
  GrammarCore(std::unique_ptr<Machine> machine, State start, std::size_t memory_limit);

  // Every member below is called with this held.
  std::mutex& mutex() { return mutex_; }

  Place start() const { return {start_, {}}; }
  // Before each step: how much it may compute.
  void allow_step();
  // The error where a limit was passed.
  Status limit() const;
  bool accepting(const Place& place) const { return machine_->accepting(place.state); }
  // The place after `bytes`; nothing where they may not come.
  std::optional<Place> after(Place place, std::string_view bytes);
  void fill(const Place& place, const std::shared_ptr<const Vocabulary>& vocabulary, bool cached,
            std::span<MaskWord> mask);
  std::optional<unsigned char> forced_byte(const Place& place);
  // Whether no byte may follow though the text may not end: of unique items too few are left.
  bool is_stuck(const Place& place);
  bool exhausted() const { return machine_->exhausted() || over_limit_; }
  std::size_t memory_bytes() const;

 private:
  struct Cache {
    MaskBuilder builder;
    std::unordered_map<State, MaskEntry> masks;
  };

  static void apply(const MaskEntry& entry, std::span<MaskWord> mask);
  void forbid_used_keys(const Place& place, const Vocabulary& vocabulary, std::span<MaskWord> mask);
  void check_each(const Place& place, const Vocabulary& vocabulary, std::span<MaskWord> mask);
  bool step_keys(Place& place, unsigned char byte);
  bool name_is_dead(State state, const std::vector<std::string>& rests);
  const MaskEntry& entry_for(State state, Cache& cache);
  Cache& cache_for(const std::shared_ptr<const Vocabulary>& vocabulary);

  std::mutex mutex_;
  std::unique_ptr<Machine> machine_;
  State start_;
  std::size_t memory_limit_;
  bool over_limit_ = false;
  bool track_keys_;
  KeyTracker tracker_;
  std::deque<Cache> caches_;
  std::size_t cached_bytes_ = 0;
};

}  // namespace aquilon::constraint
