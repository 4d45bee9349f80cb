#include "apps/request_log.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

namespace aquilon::apps {

Result<LogFormat> parse_log_format(std::string_view text, int descriptor) {
  if (text == "auto") return ::isatty(descriptor) == 1 ? LogFormat::kText : LogFormat::kJson;
  if (text == "text") return LogFormat::kText;
  if (text == "json") return LogFormat::kJson;
  return make_error(Code::kInvalidArgument, "--log-format must be auto, text or json, not '{}'",
                    text);
}

RequestLog::RequestLog(int descriptor, LogFormat format)
    : descriptor_(descriptor), format_(format), thread_([this] { run(); }) {}

RequestLog::~RequestLog() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void RequestLog::write(std::string_view message, LogLevel level) {
  push(format_ == LogFormat::kJson
           ? json_line(message, level)
           : fmt::format("{} {}", utc_timestamp(), text_line(message, level)));
}

void RequestLog::write(const api::AccessRecord& record) {
  push(format_ == LogFormat::kJson ? json_line(record)
                                   : fmt::format("{} {}", utc_timestamp(), text_line(record)));
}

void RequestLog::push(std::string line) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= kMaxWaiting) {
    ++dropped_;
    return;
  }
  if (dropped_ > 0) {
    const std::string told = fmt::format("{} log lines were dropped", dropped_);
    waiting_.push_back(format_ == LogFormat::kJson ? json_line(told, LogLevel::kWarning) + "\n"
                                                   : fmt::format("{} {}\n", utc_timestamp(), told));
    dropped_ = 0;
  }
  waiting_.push_back(std::move(line) + "\n");
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
