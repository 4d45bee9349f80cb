// Where the messages of broken invariants (base/check.h) go that the process survives.
#pragma once

#include <functional>
#include <string_view>

namespace aquilon {

// While it lives they are told to `report`, on any thread, one at a time, instead of to stderr.
// One in a process.
class CheckReporter {
 public:
  explicit CheckReporter(std::function<void(std::string_view message)> report);
  ~CheckReporter();
  CheckReporter(const CheckReporter&) = delete;
  CheckReporter& operator=(const CheckReporter&) = delete;

 private:
  const std::function<void(std::string_view)> report_;
};

}  // namespace aquilon
