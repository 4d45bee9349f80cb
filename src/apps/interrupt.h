// Ctrl-C as a question instead of an end.
#pragma once

#include <atomic>
#include <csignal>
#include <initializer_list>
#include <utility>
#include <vector>

namespace aquilon::apps {

// While an object lives, the signals only set a flag, and calls that wait (read) return. A second
// signal that comes before the first was taken has its usual effect: it ends the program. One at a
// time.
class InterruptFlag {
 public:
  explicit InterruptFlag(std::initializer_list<int> signals = {SIGINT, SIGTERM});
  ~InterruptFlag();
  InterruptFlag(const InterruptFlag&) = delete;
  InterruptFlag& operator=(const InterruptFlag&) = delete;

  bool is_set() const;
  // What the signals set, for those who look at it themselves.
  const std::atomic<bool>& flag() const;
  // Whether it was set; it no longer is.
  bool take();

 private:
  std::vector<std::pair<int, struct sigaction>> former_;
};

}  // namespace aquilon::apps
