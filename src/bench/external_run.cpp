#include "bench/external_run.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/descriptor.h"
#include "bench/child_process.h"

namespace aquilon::bench {
namespace {

constexpr std::size_t kMostOutput = 16u << 20;  // what is kept of stdout; of stderr the end
constexpr std::size_t kErrorTail = 4096;
constexpr int kPollMs = 100;

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
  const double begin = steady_seconds();
  pollfd streams[] = {{out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}};
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    ::poll(streams, 2, kPollMs);
    if (streams[0].revents != 0 && !drain(streams[0].fd, output)) streams[0].fd = -1;
    if (streams[1].revents != 0 && !drain(streams[1].fd, errors)) streams[1].fd = -1;
    if (errors.size() > 2 * kErrorTail) errors.erase(0, errors.size() - kErrorTail);
    if (output.size() > kMostOutput)
      return make_error(Code::kUnavailable, "it printed more than {} bytes", kMostOutput);
    if (steady_seconds() - begin > limit_s)
      return make_error(Code::kDeadline, "it was not done after {:.0f} s", limit_s);
    if (!keep_going()) return Error{Code::kCancelled, "interrupted"};
  }
  return {};
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
  const double begin = steady_seconds();
  const ForeignUse others;
  const pid_t child = AQ_TRY(spawn_child(words, out.write.get(), err.write.get()));
  out.write = Descriptor();
  err.write = Descriptor();
  ExternalRun run;
  std::string errors;
  const Status collected = collect(out, err, limit_s, keep_going, run.out, errors);
  if (!collected.ok()) ::kill(-child, SIGKILL);
  const ChildEnd end = wait_child(child);
  if (!collected.ok()) return Error(collected.error()).with_context(words[0]);
  if (end.status != 0)
    return make_error(Code::kUnavailable, "{} ended {}", words[0],
                      how_child_ended(end.status, errors));
  run.seconds = steady_seconds() - begin;
  run.foreign_share = others.share(end.cpu_seconds);
  return run;
}

}  // namespace aquilon::bench
