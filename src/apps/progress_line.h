// How far a long transfer is, on stderr: a bar that is redrawn on a terminal, a line every so often
// elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace aquilon::apps {

class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // Cheap to call often. `label` starts the line, done <= total are bytes. A new label or a `done`
  // that went back starts the measurement of the rate anew.
  void update(std::string_view label, std::uint64_t done, std::uint64_t total);
  // Takes the bar away, to print something else.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  bool terminal_;
  bool drawn_ = false;
  std::string label_;
  std::uint64_t first_ = 0;  // bytes when the measurement began
  std::uint64_t last_ = 0;
  Clock::time_point start_;
  Clock::time_point next_;
};

// "[=====>    ]  52%  1.02 GB of 1.95 GB  48.1 MB/s  19 s left", at most `width` columns; the rate
// is in bytes a second, 0 when unknown.
std::string progress_text(std::string_view label, std::uint64_t done, std::uint64_t total,
                          double bytes_s, int width);

}  // namespace aquilon::apps
