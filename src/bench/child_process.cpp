#include "bench/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "base/descriptor.h"
#include "base/spawn.h"
#include "base/thread_pool.h"

namespace aquilon::bench {
namespace {

// Seconds that all processors were busy, or taken by the host, since the system started.
double busy_seconds() {
  unsigned long long user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0,
                     steal = 0;
  std::FILE* file = std::fopen("/proc/stat", "r");
  if (file == nullptr) return 0;
  const int read = std::fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice,
                               &system, &idle, &wait, &irq, &soft, &steal);
  std::fclose(file);
  if (read < 8) return 0;
  return static_cast<double>(user + nice + system + irq + soft + steal) /
         static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::string_view last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace

Result<pid_t> spawn_child(const std::vector<std::string>& words, int out, int err) {
  const Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!nothing.ok()) return errno_error("open", "/dev/null");
  return spawn(words, nothing.get(), out, err);
}

ChildEnd wait_child(pid_t child) {
  ChildEnd end;
  rusage usage{};
  while (::wait4(child, &end.status, 0, &usage) < 0 && errno == EINTR) {
  }
  end.cpu_seconds = cpu_seconds(usage);
  return end;
}

double cpu_seconds(const rusage& usage) {
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string how_child_ended(int status, std::string_view errors) {
  const std::string_view line = last_line(errors);
  return fmt::format("{} {}{}{}", WIFEXITED(status) ? "with status" : "by signal",
                     WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
                     line.empty() ? "" : ": ", line);
}

ForeignUse::ForeignUse() : busy_(busy_seconds()), begin_(steady_seconds()) {}

double ForeignUse::share(double own_cpu_seconds) const {
  const double all = (steady_seconds() - begin_) * usable_cores();
  return std::clamp((busy_seconds() - busy_ - own_cpu_seconds) / all, 0.0, 1.0);
}

double steady_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

}  // namespace aquilon::bench
