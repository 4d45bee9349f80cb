// Ctrl-C as a question instead of an end.
#pragma once

#include <csignal>

namespace aquilon::apps {

// While an object lives, SIGINT and SIGTERM only set a flag, and a second one ends the program. One
// at a time.
class InterruptFlag {
 public:
  InterruptFlag();
  ~InterruptFlag();
  InterruptFlag(const InterruptFlag&) = delete;
  InterruptFlag& operator=(const InterruptFlag&) = delete;

  bool is_set() const;

 private:
  struct sigaction old_int_ {};
  struct sigaction old_term_ {};
};

}  // namespace aquilon::apps
