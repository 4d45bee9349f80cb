#include "base/process_usage.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

namespace aquilon {
namespace {

// Since Linux 6.2 the folder's size is the number of its entries.
std::uint64_t open_descriptors() {
  struct stat st {};
  if (::stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
    return static_cast<std::uint64_t>(st.st_size);
  DIR* folder = ::opendir("/proc/self/fd");
  if (!folder) return 0;
  std::uint64_t count = 0;
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count > 3 ? count - 3 : 0;  // ".", ".." and the folder itself
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// The numbers behind the program's name in /proc/self/stat: field 3 of proc(5) comes first.
void read_stat(ProcessUsage& usage) {
  std::ifstream file("/proc/self/stat");
  std::string text;
  std::getline(file, text);
  std::istringstream fields(text.substr(std::min(text.rfind(')') + 1, text.size())));
  std::string field;
  for (int i = 3; fields >> field && i <= 22; ++i) {
    if (i == 20) usage.threads = std::strtoull(field.c_str(), nullptr, 10);
    if (i != 22) continue;
    timespec up{};
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &up);
    ::clock_gettime(CLOCK_REALTIME, &now);
    const double began = std::strtod(field.c_str(), nullptr) / ::sysconf(_SC_CLK_TCK);
    usage.started = static_cast<double>(now.tv_sec - up.tv_sec) + began;
  }
}

}  // namespace

ProcessUsage process_usage() {
  ProcessUsage usage;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::ifstream statm("/proc/self/statm");
  if (statm >> usage.virtual_bytes >> usage.resident_bytes) {
    usage.virtual_bytes *= page;
    usage.resident_bytes *= page;
  }
  rusage used{};
  if (::getrusage(RUSAGE_SELF, &used) == 0)
    usage.cpu_seconds = seconds(used.ru_utime) + seconds(used.ru_stime);
  read_stat(usage);
  usage.descriptors = open_descriptors();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) usage.max_descriptors = limit.rlim_cur;
  return usage;
}

}  // namespace aquilon
