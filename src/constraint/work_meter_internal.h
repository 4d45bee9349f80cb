// What compiling a constraint, or a step of matching, may still take: work, memory, and whether
// anybody waits for it. Deterministic: the same input always passes or never.
#pragma once

#include <cstddef>
#include <stop_token>
#include <string>

namespace aquilon::constraint {

class WorkMeter {
 public:
  // `steps` of some 50 ns each, from now to the next call.
  void allow(std::size_t steps, std::stop_token stop = {});
  void limit_memory(std::size_t bytes) { most_bytes_ = bytes; }

  // Takes from it; false where there is not so much left, and ever after.
  bool spend(std::size_t steps) {
    if (shortage_ != Shortage::kNone) return false;
    if (steps > left_) return run_out(Shortage::kWork);
    const std::size_t before = left_;
    left_ -= steps;
    if ((before ^ left_) >= kBetweenLooks && stop_.stop_requested())
      return run_out(Shortage::kStop);
    return true;
  }
  // Memory that compiling takes outside of the automaton, until the next allow().
  bool hold(std::size_t bytes) {
    held_ += bytes;
    return fits(0);
  }
  // Whether `bytes` more than what is held are allowed.
  bool fits(std::size_t bytes) {
    if (held_ <= most_bytes_ && bytes <= most_bytes_ - held_) return true;
    return run_out(Shortage::kMemory);
  }
  void run_out_of_states(std::size_t most);

  bool passed() const { return shortage_ != Shortage::kNone; }
  bool out_of_work() const { return shortage_ == Shortage::kWork; }
  std::size_t left() const { return left_; }
  // Which limit was passed and what to do.
  std::string shortage() const;

 private:
  enum class Shortage : unsigned char { kNone, kWork, kMemory, kStates, kStop };
  static constexpr std::size_t kBetweenLooks = 1 << 14;  // steps

  bool run_out(Shortage of);

  std::size_t left_ = std::size_t(-1), allowed_ = std::size_t(-1);
  std::size_t most_bytes_ = std::size_t(-1), held_ = 0, most_states_ = 0;
  std::stop_token stop_;
  Shortage shortage_ = Shortage::kNone;
};

}  // namespace aquilon::constraint
