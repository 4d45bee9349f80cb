#include "base/service_manager.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/descriptor.h"

namespace aquilon {
namespace {

constexpr int kFirstDescriptor = 3;

std::optional<std::int64_t> number_from(const char* text) {
  if (!text) return {};
  std::int64_t value = 0;
  const char* end = text + std::strlen(text);
  const auto [last, ec] = std::from_chars(text, end, value);
  return ec == std::errc() && last == end ? std::optional(value) : std::nullopt;
}

}  // namespace

Result<std::optional<int>> inherited_socket() {
  const auto pid = number_from(std::getenv("LISTEN_PID"));
  const auto count = number_from(std::getenv("LISTEN_FDS"));
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  if (pid != ::getpid() || !count || *count < 1) return std::optional<int>();
  if (*count > 1)
    return make_error(Code::kInvalidArgument,
                      "{} sockets were handed over (LISTEN_FDS); one is what this program takes",
                      *count);
  ::fcntl(kFirstDescriptor, F_SETFD, FD_CLOEXEC);
  return std::optional<int>(kFirstDescriptor);
}

bool notify_service_manager(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (!path || (*path != '/' && *path != '@')) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t size = std::strlen(path);
  if (size >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path, size);
  if (*path == '@') address.sun_path[0] = '\0';  // an abstract name
  const Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.ok()) return false;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size);
  const ssize_t sent = ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address), length);
  return sent == static_cast<ssize_t>(state.size());
}

std::optional<std::chrono::microseconds> watchdog_interval() {
  const auto interval = number_from(std::getenv("WATCHDOG_USEC"));
  const char* pid = std::getenv("WATCHDOG_PID");
  if (!interval || *interval <= 0) return {};
  if (pid && number_from(pid) != ::getpid()) return {};
  return std::chrono::microseconds(*interval);
}

}  // namespace aquilon
