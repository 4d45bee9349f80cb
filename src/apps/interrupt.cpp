#include "apps/interrupt.h"

#include <atomic>

namespace aquilon::apps {
namespace {

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free, "set in a signal handler");

void note_signal(int number) {
  if (!interrupted.exchange(true)) return;
  std::signal(number, SIG_DFL);
  std::raise(number);  // arrives when this handler returns
}

}  // namespace

InterruptFlag::InterruptFlag(std::initializer_list<int> signals) {
  interrupted = false;
  struct sigaction action {};
  action.sa_handler = note_signal;  // without SA_RESTART
  for (const int number : signals) {
    struct sigaction former {};
    ::sigaction(number, &action, &former);
    former_.emplace_back(number, former);
  }
}

InterruptFlag::~InterruptFlag() {
  for (const auto& [number, former] : former_) ::sigaction(number, &former, nullptr);
}

bool InterruptFlag::is_set() const {
  return interrupted;
}

const std::atomic<bool>& InterruptFlag::flag() const {
  return interrupted;
}

bool InterruptFlag::take() {
  return interrupted.exchange(false);
}

}  // namespace aquilon::apps
