#include "bench/server_run.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <thread>

#include "base/descriptor.h"
#include "bench/child_process.h"
#include "bench/load_client.h"

namespace aquilon::bench {
namespace {

constexpr auto kAskEvery = std::chrono::milliseconds(50);
constexpr double kGraceSeconds = 5;  // between SIGTERM and SIGKILL

// One that nobody used a moment ago.
Result<int> free_port() {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (!socket.ok() || ::bind(socket.get(), any, size) != 0 ||
      ::getsockname(socket.get(), any, &size) != 0)
    return make_error(Code::kUnavailable, "no free port: {}", std::strerror(errno));
  return ntohs(address.sin_port);
}

// Ends its process group when it goes.
class Server {
 public:
  static Result<Server> start(const std::vector<std::string>& words) {
    Server server;
    server.out_ = Descriptor(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    server.errors_ = Descriptor(::memfd_create("stderr", MFD_CLOEXEC));
    if (!server.out_.ok() || !server.errors_.ok())
      return make_error(Code::kUnavailable, "no place for output: {}", std::strerror(errno));
    server.pid_ = AQ_TRY(spawn_child(words, server.out_.get(), server.errors_.get()));
    return server;
  }
  Server(Server&& other) noexcept = default;
  ~Server() {
    if (out_.ok() && !end_) stop();
  }

  // How it ended, if it has.
  std::optional<std::string> ended() {
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid == 0)
      return std::nullopt;
    end_ = wait_child(pid_);
    char tail[4096];
    const off_t size = ::lseek(errors_.get(), 0, SEEK_END);
    const off_t at = std::max<off_t>(0, size - static_cast<off_t>(sizeof tail));
    const ssize_t n = ::pread(errors_.get(), tail, sizeof tail, at);
    return how_child_ended(end_->status,
                           {tail, n > 0 ? static_cast<std::size_t>(n) : std::size_t{0}});
  }

  // Seconds of processor that it used.
  double stop() {
    ::kill(-pid_, SIGTERM);
    for (const double begin = steady_seconds(); steady_seconds() - begin < kGraceSeconds;) {
      if (ended()) return end_->cpu_seconds;
      std::this_thread::sleep_for(kAskEvery);
    }
    ::kill(-pid_, SIGKILL);
    end_ = wait_child(pid_);
    return end_->cpu_seconds;
  }

 private:
  Server() = default;

  pid_t pid_ = 0;
  Descriptor out_;
  Descriptor errors_;
  std::optional<ChildEnd> end_;
};

Status wait_until_healthy(Server& server, const std::string& url, double limit_s,
                          const std::function<bool()>& keep_going) {
  const double begin = steady_seconds();
  while (!server_is_healthy(url)) {
    if (const auto how = server.ended()) return make_error(Code::kUnavailable, "it ended {}", *how);
    if (!keep_going()) return Error{Code::kCancelled, "interrupted"};
    if (steady_seconds() - begin > limit_s)
      return make_error(Code::kDeadline, "{}/health did not answer 200 within {:.0f} s", url,
                        limit_s);
    std::this_thread::sleep_for(kAskEvery);
  }
  return {};
}

}  // namespace

Result<Sample> run_server(const std::vector<std::string>& words,
                          const std::vector<ServerTest>& tests, double limit_s,
                          const std::function<bool()>& keep_going) {
  const int port = AQ_TRY(free_port());
  std::vector<std::string> command = words;
  for (const char* word : {"--host", "127.0.0.1", "--port"}) command.emplace_back(word);
  command.push_back(std::to_string(port));
  const ForeignUse others;
  Server server = AQ_TRY(Server::start(command));
  const std::string url = fmt::format("http://127.0.0.1:{}", port);
  if (const Status up = wait_until_healthy(server, url, limit_s, keep_going); !up.ok())
    return Error(up.error()).with_context(words[0]);
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  auto speeds = measure_server(tests, {.url = url, .limit_s = limit_s, .keep_going = keep_going});
  ::getrusage(RUSAGE_SELF, &after);
  if (!speeds.ok()) return Error(speeds.error()).with_context(words[0]);
  const double used = server.stop() + cpu_seconds(after) - cpu_seconds(before);
  return Sample{std::move(*speeds), others.share(used)};
}

}  // namespace aquilon::bench
