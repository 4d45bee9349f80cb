#include <fmt/format.h>

#include "constraint/work_meter_internal.h"

namespace aquilon::constraint {

void WorkMeter::allow(std::size_t steps, std::stop_token stop) {
  left_ = allowed_ = steps;
  held_ = 0;
  stop_ = std::move(stop);
}

bool WorkMeter::run_out(Shortage of) {
  if (shortage_ == Shortage::kNone) shortage_ = of;
  if (of == Shortage::kWork) left_ = 0;
  return false;
}

void WorkMeter::run_out_of_states(std::size_t most) {
  most_states_ = most;
  run_out(Shortage::kStates);
}

std::string WorkMeter::shortage() const {
  switch (shortage_) {
    case Shortage::kNone:
      break;
    case Shortage::kWork:
      return fmt::format(
          "takes more than the {} steps of work (some {:.1f} s) that it may: a simpler one is "
          "needed",
          allowed_, static_cast<double>(allowed_) * 50e-9);
    case Shortage::kMemory:
      return fmt::format("needs more than the {} MiB that it may take: a simpler one is needed",
                         most_bytes_ >> 20);
    case Shortage::kStates:
      return fmt::format("needs more than the {} states that it may have: a simpler one is needed",
                         most_states_);
    case Shortage::kStop:
      return "is no longer waited for";
  }
  return {};
}

}  // namespace aquilon::constraint
