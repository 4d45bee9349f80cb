#include "apps/step_watch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/error_codes.h"

namespace aquilon::apps {
namespace {

double seconds(std::chrono::milliseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

StepWatch::StepWatch(const chat::ModelPool& models, Options options)
    : models_(models), options_(std::move(options)), thread_([this] { run(); }) {}

StepWatch::~StepWatch() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stop_wanted_.notify_all();
  thread_.join();
}

void StepWatch::run() {
  std::unique_lock lock(mutex_);
  while (!stop_wanted_.wait_for(lock, options_.interval, [this] { return stop_; })) {
    lock.unlock();
    look();
    lock.lock();
  }
}

void StepWatch::look() {
  const std::size_t count = models_.size();
  seen_.resize(count);
  bool well = true;
  for (std::size_t i = 0; i < count; ++i) {
    const chat::ModelStatus status = models_.status(i);
    if (status.metrics) look_at(i, status.metrics->step_seconds(), status.card.id);
    // How long a step may take is the other rule's matter; a lost file needs no new process.
    const bool excused =
        status.metrics && (status.metrics->step_seconds() > 0 || status.metrics->file_damaged);
    well = well && (status.state != chat::ModelState::kLoaded || status.ready || excused);
  }
  if (options_.heartbeat) {
    const std::uint64_t beat = options_.heartbeat();
    well = well && beat != last_beat_;
    last_beat_ = beat;
  }
  if (well && options_.well) options_.well();
}

void StepWatch::look_at(std::size_t model, double step_seconds, const std::string& name) {
  Seen& seen = seen_[model];
  const bool same_step = step_seconds > seen.seconds && seen.seconds > 0;
  const double most = 2 * seconds(options_.interval);
  seen.counted = same_step ? seen.counted + std::min(step_seconds - seen.seconds, most)
                           : std::min(step_seconds, most);
  seen.seconds = step_seconds;
  if (options_.longest_step <= 0 || seen.counted < options_.longest_step) return;
  options_.end(fmt::format(
      "the engine of model '{}' has been in one step for {:.0f} s, longer than --longest-step {}",
      name, seen.counted, options_.longest_step));
}

void end_process(const std::string& reason) {
  const std::string line = "aquilon: " + reason + "; the process ends to be started again\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  std::_Exit(code_info(Code::kInternal).exit_status);
}

}  // namespace aquilon::apps
