#include "apps/progress_line.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "hub/byte_text.h"

namespace aquilon::apps {
namespace {

constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::chrono::seconds kPlainLine{5};
constexpr int kPlainWidth = 100;
constexpr int kBarWidth = 24;

int terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

std::string time_left(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s left", std::ceil(seconds));
  if (seconds < 90 * 60) return fmt::format("{:.0f} min left", seconds / 60);
  return fmt::format("{:.0f} h left", std::min(seconds / 3600, 999.0));
}

}  // namespace

std::string progress_text(std::string_view label, std::uint64_t done, std::uint64_t total,
                          double bytes_s, int width) {
  const double part =
      total == 0 ? 1 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const int filled = static_cast<int>(part * kBarWidth);
  const std::string bar =
      std::string(static_cast<std::size_t>(filled), '=') +
      (filled < kBarWidth ? ">" + std::string(static_cast<std::size_t>(kBarWidth - filled - 1), ' ')
                          : "");
  std::string text = fmt::format("{} [{}] {:3.0f}%  {} of {}", label, bar, std::floor(part * 100),
                                 hub::byte_text(done), hub::byte_text(total));
  if (bytes_s > 0) {
    text += fmt::format("  {}/s", hub::byte_text(static_cast<std::uint64_t>(bytes_s)));
    if (done < total) text += "  " + time_left(static_cast<double>(total - done) / bytes_s);
  }
  const auto columns = static_cast<std::size_t>(std::max(width, 1));
  if (text.size() > columns) text.resize(columns);
  return text;
}

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressLine::update(std::string_view label, std::uint64_t done, std::uint64_t total) {
  const Clock::time_point now = Clock::now();
  if (label_ != label || done < last_) {
    label_ = label;
    first_ = done;
    start_ = now;
    next_ = terminal_ ? now : now + kPlainLine;
  }
  last_ = done;
  if (now < next_) return;
  next_ = now + (terminal_ ? std::chrono::duration_cast<Clock::duration>(kRedraw)
                           : std::chrono::duration_cast<Clock::duration>(kPlainLine));
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = seconds < 0.5 ? 0 : static_cast<double>(done - first_) / seconds;
  const int width = terminal_ ? terminal_columns() - 1 : kPlainWidth;
  const std::string text = progress_text(label, done, total, rate, width);
  std::fprintf(stderr, terminal_ ? "\r%s\x1b[K" : "%s\n", text.c_str());
  std::fflush(stderr);
  drawn_ = terminal_;
}

void ProgressLine::clear() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace aquilon::apps
