#include "bench/external_run.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "base/descriptor.h"
#include "base/thread_pool.h"

extern char** environ;

namespace aquilon::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostOutput = 16u << 20;  // what is kept of stdout; of stderr the end
constexpr std::size_t kErrorTail = 4096;
constexpr int kPollMs = 100;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

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

double cpu_seconds(const rusage& usage) {
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Pipe {
  Descriptor read;
  Descriptor write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return make_error(Code::kUnavailable, "cannot make a pipe: {}", std::strerror(errno));
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  return pipe;
}

// In a process group of its own, so that its children end with it.
Result<pid_t> spawn(const std::vector<std::string>& words, const Pipe& out, const Pipe& err) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out.write.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err.write.get(), STDERR_FILENO);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, argv[0], &actions, &attributes, argv.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    return make_error(Code::kNotFound, "cannot run {}: {}", words[0], std::strerror(failed));
  return child;
}

// Appends what is there; false at the end.
bool drain(int descriptor, std::string& to) {
  char buffer[65536];
  const ssize_t n = ::read(descriptor, buffer, sizeof buffer);
  if (n < 0) return errno == EINTR || errno == EAGAIN;
  to.append(buffer, static_cast<std::size_t>(n));
  return n > 0;
}

// Reads both streams until the program closes them.
Status collect(const Pipe& out, const Pipe& err, double limit_s,
               const std::function<bool()>& keep_going, std::string& output, std::string& errors) {
  const auto begin = Clock::now();
  pollfd streams[] = {{out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}};
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    ::poll(streams, 2, kPollMs);
    if (streams[0].revents != 0 && !drain(streams[0].fd, output)) streams[0].fd = -1;
    if (streams[1].revents != 0 && !drain(streams[1].fd, errors)) streams[1].fd = -1;
    if (errors.size() > 2 * kErrorTail) errors.erase(0, errors.size() - kErrorTail);
    if (output.size() > kMostOutput)
      return make_error(Code::kUnavailable, "it printed more than {} bytes", kMostOutput);
    if (seconds_since(begin) > limit_s)
      return make_error(Code::kDeadline, "it was not done after {:.0f} s", limit_s);
    if (!keep_going()) return Error{Code::kCancelled, "interrupted"};
  }
  return {};
}

std::string last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  return std::string(text.substr(text.rfind('\n') + 1));
}

Status check_exit(int status, const std::string& name, const std::string& errors) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  const std::string how = WIFEXITED(status) ? fmt::format("with status {}", WEXITSTATUS(status))
                                            : fmt::format("by signal {}", WTERMSIG(status));
  return make_error(Code::kUnavailable, "{} ended {}: {}", name, how, last_line(errors));
}

}  // namespace

Result<std::vector<std::string>> split_command(std::string_view line) {
  std::vector<std::string> words;
  char quote = 0;
  bool in_word = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool blank = c == ' ' || c == '\t' || c == '\n';
    if (quote == 0 && blank) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (c == quote)
      quote = 0;
    else if (quote == 0 && (c == '"' || c == '\''))
      quote = c;
    else if (c == '\\' && quote != '\'' && i + 1 < line.size())
      words.back() += line[++i];
    else
      words.back() += c;
  }
  if (quote != 0)
    return make_error(Code::kInvalidArgument, "the closing {} is missing in: {}", quote, line);
  if (words.empty()) return Error{Code::kInvalidArgument, "the command is empty"};
  return words;
}

Result<ExternalRun> run_external(const std::vector<std::string>& words, double limit_s,
                                 const std::function<bool()>& keep_going) {
  Pipe out = AQ_TRY(make_pipe());
  Pipe err = AQ_TRY(make_pipe());
  const auto begin = Clock::now();
  const double busy = busy_seconds();
  const pid_t child = AQ_TRY(spawn(words, out, err));
  out.write = Descriptor();
  err.write = Descriptor();
  ExternalRun run;
  std::string errors;
  const Status collected = collect(out, err, limit_s, keep_going, run.out, errors);
  if (!collected.ok()) ::kill(-child, SIGKILL);
  int status = 0;
  rusage usage{};
  while (::wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  if (!collected.ok()) return Error(collected.error()).with_context(words[0]);
  AQ_RETURN_IF_ERROR(check_exit(status, words[0], errors));
  run.seconds = seconds_since(begin);
  const double foreign = busy_seconds() - busy - cpu_seconds(usage);
  run.foreign_share = std::clamp(foreign / (run.seconds * usable_cores()), 0.0, 1.0);
  return run;
}

}  // namespace aquilon::bench
