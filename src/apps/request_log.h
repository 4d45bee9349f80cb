// The server's log on stderr: a line a request or event, written by a thread of its own so that a
// reader who is slow never stops the server.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "api/server.h"
#include "apps/log_line.h"
#include "base/result.h"

namespace aquilon::apps {

enum class LogFormat {
  kText,  // "TIME MESSAGE"
  kJson,  // an object a line: "ts", "level", "event" and what belongs to it
};
// "text", "json", or "auto": text on a terminal. Errors: kInvalidArgument.
Result<LogFormat> parse_log_format(std::string_view text, int descriptor);

class RequestLog {
 public:
  explicit RequestLog(int descriptor, LogFormat format = LogFormat::kText);
  ~RequestLog();  // writes what is left, for at most a second

  // A message of the server itself. Puts the time in front and a line break behind. Drops the line
  // when too many are waiting; how many were dropped is said later. Threads: any.
  void write(std::string_view message, LogLevel level = LogLevel::kInfo);
  // An answered request: no content, no query, no credentials. Threads: any.
  void write(const api::AccessRecord& record);
  void set_format(LogFormat format) { format_ = format; }

 private:
  void run();
  void push(std::string line);
  bool write_line(std::string_view line);

  static constexpr std::size_t kMaxWaiting = 10'000;  // lines

  int descriptor_;
  std::atomic<LogFormat> format_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::string> waiting_;
  std::size_t dropped_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace aquilon::apps
