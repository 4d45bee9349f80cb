// The server's log on stderr: a line a request, written by a thread of its own so that a reader who
// is slow never stops the server.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace aquilon::apps {

class RequestLog {
 public:
  explicit RequestLog(int descriptor);
  ~RequestLog();  // writes what is left, for at most a second

  // Adds the time in front and a line break behind. Drops the line when too many are waiting; how
  // many were dropped is said later. Threads: any.
  void write(std::string line);

 private:
  void run();
  bool write_line(std::string_view line);

  static constexpr std::size_t kMaxWaiting = 10'000;  // lines

  int descriptor_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::string> waiting_;
  std::size_t dropped_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace aquilon::apps
