#include "apps/request_log.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <ctime>

namespace aquilon::apps {
namespace {

std::string timestamp() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text;
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:03}Z", std::string_view(text.data(), size), ms);
}

}  // namespace

RequestLog::RequestLog(int descriptor) : descriptor_(descriptor), thread_([this] { run(); }) {}

RequestLog::~RequestLog() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void RequestLog::write(std::string line) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= kMaxWaiting) {
    ++dropped_;
    return;
  }
  if (dropped_ > 0) {
    waiting_.push_back(fmt::format("{} log lines were dropped\n", dropped_));
    dropped_ = 0;
  }
  waiting_.push_back(fmt::format("{} {}\n", timestamp(), line));
  wake_.notify_one();
}

// False when the reader took too long.
bool RequestLog::write_line(std::string_view line) {
  constexpr int kSliceMs = 100;
  constexpr int kPatienceMs = 60'000;
  constexpr int kLastPatienceMs = 1'000;
  int waited_ms = 0;
  int waited_at_end_ms = 0;
  while (!line.empty()) {
    pollfd room{.fd = descriptor_, .events = POLLOUT, .revents = 0};
    if (poll(&room, 1, kSliceMs) <= 0) {
      waited_ms += kSliceMs;
      if (stop_) waited_at_end_ms += kSliceMs;
      if (waited_ms >= kPatienceMs || waited_at_end_ms >= kLastPatienceMs) return false;
      continue;
    }
    const ssize_t n = ::write(descriptor_, line.data(), line.size());
    if (n <= 0) return false;
    line.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void RequestLog::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::string line = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    const bool written = write_line(line);
    lock.lock();
    if (!written && stop_) return;
  }
}

}  // namespace aquilon::apps
