// A tool's program: started, fed, read and ended.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "apps/command_tools.h"
#include "base/descriptor.h"
#include "base/spawn.h"

namespace aquilon::apps {
namespace {

constexpr std::size_t kMostBytes = 32 << 10;
constexpr auto kLongest = std::chrono::seconds(60);

// A file in memory to be read from its beginning.
Result<Descriptor> input_file(const std::string& input) {
  Descriptor file(::memfd_create("tool-input", MFD_CLOEXEC));
  if (!file.ok() || ::write(file.get(), input.data(), input.size()) < 0 ||
      ::lseek(file.get(), 0, SEEK_SET) < 0)
    return make_error(Code::kInternal, "cannot make a tool's input: {}", std::strerror(errno));
  return file;
}

// What is printed until the end of it, the limit or the time. False: it was not the end.
bool read_output(int out, std::string& text) {
  const auto deadline = std::chrono::steady_clock::now() + kLongest;
  char buffer[4096];
  while (text.size() < kMostBytes) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd wait{out, POLLIN, 0};
    const int ready = left.count() > 0 ? ::poll(&wait, 1, static_cast<int>(left.count())) : 0;
    if (ready < 0 && errno == EINTR) return false;  // Ctrl-C
    if (ready <= 0) return false;
    const ssize_t n = ::read(out, buffer, sizeof buffer);
    if (n <= 0) return true;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  text.resize(kMostBytes);
  return false;
}

}  // namespace

Result<std::string> run_tool(const std::vector<std::string>& words, const std::string& input) {
  const Descriptor in = AQ_TRY(input_file(input));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return make_error(Code::kInternal, "cannot make a tool's output: {}", std::strerror(errno));
  const Descriptor out(ends[0]);
  Descriptor theirs(ends[1]);
  const pid_t child = AQ_TRY(spawn(words, in.get(), theirs.get(), theirs.get()));
  theirs = Descriptor();
  std::string text;
  const bool whole = read_output(out.get(), text);
  if (!whole) ::kill(-child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!whole) return text + "\n(it was ended: too much output, or more than a minute)";
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  return text + fmt::format("\n(it failed with status {})",
                            WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

}  // namespace aquilon::apps
