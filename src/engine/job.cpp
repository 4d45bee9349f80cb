#include <algorithm>

#include "engine/job_internal.h"

namespace aquilon::engine {

void Job::detach() {
  cancelled_ = true;
  const std::lock_guard lock(sink_mutex_);
  detached_ = true;
}

void Job::emit(Event event) {
  usage_.completion_tokens += static_cast<int>(event.ids.size());
  if (event.finish) ended_[static_cast<std::size_t>(event.choice)] = true;
  if (over())
    event.usage = usage_;
  else
    event.error.reset();
  const std::lock_guard lock(sink_mutex_);
  if (!detached_) sink_(std::move(event));
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
