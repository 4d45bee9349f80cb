#include <algorithm>
#include <exception>

#include "base/check.h"
#include "engine/job_internal.h"

namespace aquilon::engine {

void Job::detach() {
  cancelled_ = true;
  const std::lock_guard lock(sink_mutex_);
  detached_ = true;
}

void Job::emit(Event event) {
  usage_.completion_tokens += static_cast<int>(event.ids.size());
  times_.take_tokens(event.ids.size());
  if (event.finish) ended_[static_cast<std::size_t>(event.choice)] = true;
  ended_well_ = ended_well_ || (event.finish && *event.finish != FinishReason::kError);
  const bool of_choice = event.error && event.error->detail == kConstraintFailed;
  if (of_choice && (ended_well_ || !over())) event.choice_error = event.error;
  if (over()) {
    event.usage = usage_;
    times_.end(request_, usage_, ending(event));
  }
  if (event.choice_error || !over()) event.error.reset();
  deliver(std::move(event));
}

// A sink that fails hears no more, and its request ends at the next step.
void Job::deliver(Event event) {
  const std::lock_guard lock(sink_mutex_);
  if (detached_) return;
  try {
    const CheckScope scope;
    sink_(std::move(event));
  } catch (const std::exception&) {
    detached_ = true;
    cancelled_ = true;
  }
}

Ending Job::ending(const Event& last) const {
  if (last.finish == FinishReason::kError) return cancelled_ ? Ending::kAbort : Ending::kError;
  return last.finish == FinishReason::kStop ? Ending::kStop : Ending::kLength;
}

bool Job::over() const {
  return std::all_of(ended_.begin(), ended_.end(), [](bool ended) { return ended; });
}

void Job::fail(const Error& error) {
  for (std::size_t choice = 0; choice < ended_.size(); ++choice) {
    if (ended_[choice]) continue;
    Event event;
    event.choice = static_cast<int>(choice);
    event.finish = FinishReason::kError;
    event.error = error;
    emit(std::move(event));
  }
}

}  // namespace aquilon::engine
