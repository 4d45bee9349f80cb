#include "base/memory.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <string_view>

namespace aquilon {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

// The number after `key` in a file of lines, or the number that is the whole file if key is empty.
std::uint64_t read_number(const std::string& path, const char* key) {
  std::FILE* file = std::fopen(path.c_str(), "r");
  if (file == nullptr) return kUnlimited;
  std::uint64_t value = kUnlimited;
  std::array<char, 256> line;
  while (std::fgets(line.data(), line.size(), file) != nullptr) {
    const std::size_t n = std::strlen(key);
    if (std::strncmp(line.data(), key, n) != 0) continue;
    if (std::sscanf(line.data() + n, "%" SCNu64, &value) != 1) value = kUnlimited;
    break;
  }
  std::fclose(file);
  return value;
}

struct Limit {
  std::uint64_t bytes = kUnlimited;
  std::uint64_t room = kUnlimited;  // what it leaves
};

Limit smaller(const Limit& a, const Limit& b) {
  return {std::min(a.bytes, b.bytes), std::min(a.room, b.room)};
}

// The names of the two versions.
struct GroupFiles {
  const char* mount;
  const char* limit;
  const char* used;
  const char* cached;  // in memory.stat
};
constexpr GroupFiles kVersion2{"/sys/fs/cgroup", "/memory.max", "/memory.current",
                               "inactive_file "};
constexpr GroupFiles kVersion1{"/sys/fs/cgroup/memory", "/memory.limit_in_bytes",
                               "/memory.usage_in_bytes", "total_inactive_file "};

// Page cache counts as used in a group though it can be reclaimed, so inactive file pages are given
// back.
Limit limit_of_group(const std::string& folder, const GroupFiles& files) {
  const std::uint64_t limit = read_number(folder + files.limit, "");
  if (limit == kUnlimited) return {};
  const std::uint64_t used = read_number(folder + files.used, "");
  if (used == kUnlimited) return {.bytes = limit};
  const std::uint64_t cached = read_number(folder + "/memory.stat", files.cached);
  const std::uint64_t held = cached == kUnlimited || cached > used ? used : used - cached;
  return {limit, limit > held ? limit - held : 0};
}

// Of the group at `path` below the mount and all above it. In a container the path may be that of
// the host, where nothing is found; its own limit is then at the mount.
Limit limit_of_groups(const std::string& root, std::string path, const GroupFiles& files) {
  const std::string mount = root + files.mount;
  Limit limit = limit_of_group(mount, files);
  while (path.size() > 1) {
    limit = smaller(limit, limit_of_group(mount + path, files));
    path.resize(path.rfind('/'));
  }
  return limit;
}

// Where /proc/self/cgroup has this process: lines "0::PATH" (2) and "7:memory:PATH" (1).
std::string group_path(const std::string& root, std::string_view controllers) {
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string_view names = std::string_view(line).substr(first + 1, second - first - 1);
    if (names == controllers && line.compare(second + 1, 1, "/") == 0)
      return line.substr(second + 1);
  }
  return {};
}

std::uint64_t bytes_of_kib(std::uint64_t kib) {
  return kib > kUnlimited / 1024 ? kUnlimited : kib * 1024;
}

// What `ulimit -v` leaves.
std::uint64_t address_space_room() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kUnlimited;
  const std::uint64_t used = bytes_of_kib(read_number("/proc/self/status", "VmSize:"));
  return limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}

}  // namespace

MachineMemory machine_memory(const std::string& root) {
  const std::string meminfo = root + "/proc/meminfo";
  const std::uint64_t total = bytes_of_kib(read_number(meminfo, "MemTotal:"));
  const Limit limit = smaller(limit_of_groups(root, group_path(root, ""), kVersion2),
                              limit_of_groups(root, group_path(root, "memory"), kVersion1));
  MachineMemory memory;
  if (total != kUnlimited) memory.total = total;
  if (limit.bytes < total) memory.limit = limit.bytes;
  memory.available =
      std::min({bytes_of_kib(read_number(meminfo, "MemAvailable:")), limit.bytes, limit.room});
  return memory;
}

std::uint64_t available_memory() {
  return std::min(machine_memory().available, address_space_room());
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array kUnits = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  if (unit == 0 || value >= 100) return fmt::format("{:.0f} {}", value, kUnits[unit]);
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace aquilon
