#include "hub/retry.h"

#include <algorithm>
#include <charconv>
#include <thread>

namespace aquilon::hub {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstDelay{500};
constexpr int kMaxDoublings = 5;
constexpr int kMaxAskedSeconds = 300;

}  // namespace

bool is_transient(const Error& error) {
  return error.code == Code::kUnavailable || error.code == Code::kDeadline ||
         error.code == Code::kExhausted;
}

milliseconds retry_delay(int attempt, milliseconds asked) {
  const int doublings = std::clamp(attempt - 1, 0, kMaxDoublings);
  return std::max(asked, kFirstDelay * (1 << doublings));
}

milliseconds parse_retry_after(std::string_view header) {
  int seconds = 0;
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), seconds);
  if (error == std::errc::result_out_of_range) return std::chrono::seconds(kMaxAskedSeconds);
  if (error != std::errc() || end != header.data() + header.size() || seconds < 0) return {};
  return std::chrono::seconds(std::min(seconds, kMaxAskedSeconds));
}

bool wait_for(milliseconds delay, const std::function<bool()>& keep_going) {
  const auto end = std::chrono::steady_clock::now() + delay;
  while (std::chrono::steady_clock::now() < end) {
    if (keep_going && !keep_going()) return false;
    const auto left = end - std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::clamp<std::chrono::nanoseconds>(left, {}, milliseconds(50)));
  }
  return true;
}

}  // namespace aquilon::hub
