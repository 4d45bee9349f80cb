#include "base/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <limits>

namespace aquilon {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

// The number after `key` in a file of lines, or the number that is the whole file if key is empty.
std::uint64_t read_number(const char* path, const char* key) {
  std::FILE* file = std::fopen(path, "r");
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

// What a control group's limit leaves. Page cache counts as used there though it can be reclaimed,
// so inactive file pages are given back.
std::uint64_t control_group_room() {
  const std::uint64_t limit = read_number("/sys/fs/cgroup/memory.max", "");
  const std::uint64_t used = read_number("/sys/fs/cgroup/memory.current", "");
  if (limit == kUnlimited || used == kUnlimited) return kUnlimited;
  const std::uint64_t cached = read_number("/sys/fs/cgroup/memory.stat", "inactive_file ");
  const std::uint64_t held = cached == kUnlimited || cached > used ? used : used - cached;
  return limit > held ? limit - held : 0;
}

}  // namespace

std::uint64_t available_memory() {
  const std::uint64_t kib = read_number("/proc/meminfo", "MemAvailable:");
  const std::uint64_t machine = kib > kUnlimited / 1024 ? kUnlimited : kib * 1024;
  return std::min(machine, control_group_room());
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
