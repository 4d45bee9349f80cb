// Machines as folders of the kernel's files.
#include "base/memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace aquilon {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kNothingKnown = UINT64_MAX;

struct MachineCase {
  const char* name;
  std::vector<std::pair<const char*, const char*>> files;  // path, contents
  std::uint64_t total;
  std::optional<std::uint64_t> limit;
  std::uint64_t available;
};

constexpr const char* kMeminfo = "MemTotal:  1048576 kB\nMemFree: 1 kB\nMemAvailable:  524288 kB\n";

const MachineCase kMachines[] = {
    {"Empty", {}, 0, {}, kNothingKnown},
    {"NoGroups", {{"proc/meminfo", kMeminfo}}, 1024 * kMiB, {}, 512 * kMiB},
    {"NumbersThatAreNone",
     {{"proc/meminfo", "MemTotal: x kB\nMemAvailable: 18446744073709551615 kB\n"},
      {"sys/fs/cgroup/memory.max", "-\n"}},
     0,
     {},
     kNothingKnown},
    {"Version2",
     {{"proc/meminfo", kMeminfo},
      {"proc/self/cgroup", "0::/\n"},
      {"sys/fs/cgroup/memory.max", "268435456\n"},
      {"sys/fs/cgroup/memory.current", "209715200\n"},
      {"sys/fs/cgroup/memory.stat", "anon 1\ninactive_file 104857600\nactive_file 7\n"}},
     1024 * kMiB,
     256 * kMiB,
     156 * kMiB},
    {"Version2Unlimited",
     {{"proc/meminfo", kMeminfo},
      {"sys/fs/cgroup/memory.max", "max\n"},
      {"sys/fs/cgroup/memory.current", "209715200\n"}},
     1024 * kMiB,
     {},
     512 * kMiB},
    {"Version2AboveTheLimit",
     {{"proc/meminfo", kMeminfo},
      {"sys/fs/cgroup/memory.max", "104857600\n"},
      {"sys/fs/cgroup/memory.current", "104857601\n"}},
     1024 * kMiB,
     100 * kMiB,
     0},
    {"Version2OfAService",  // its slice has less left than it has itself
     {{"proc/meminfo", kMeminfo},
      {"proc/self/cgroup", "0::/a.slice/b.service\n"},
      {"sys/fs/cgroup/a.slice/memory.max", "209715200\n"},
      {"sys/fs/cgroup/a.slice/memory.current", "157286400\n"},
      {"sys/fs/cgroup/a.slice/b.service/memory.max", "104857600\n"},
      {"sys/fs/cgroup/a.slice/b.service/memory.current", "0\n"}},
     1024 * kMiB,
     100 * kMiB,
     50 * kMiB},
    {"Version1",
     {{"proc/meminfo", kMeminfo},
      {"proc/self/cgroup", "9:cpu:/x\n7:memory:/of/the/host\n"},
      {"sys/fs/cgroup/memory/memory.limit_in_bytes", "268435456\n"},
      {"sys/fs/cgroup/memory/memory.usage_in_bytes", "209715200\n"},
      {"sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 52428800\n"}},
     1024 * kMiB,
     256 * kMiB,
     106 * kMiB},
    {"Version1OfAService",
     {{"proc/meminfo", kMeminfo},
      {"proc/self/cgroup", "7:memory:/job\n0::/\n"},
      {"sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"},
      {"sys/fs/cgroup/memory/memory.usage_in_bytes", "209715200\n"},
      {"sys/fs/cgroup/memory/job/memory.limit_in_bytes", "52428800\n"}},
     1024 * kMiB,
     50 * kMiB,
     50 * kMiB},
};

class MachineMemoryTest : public testing::TestWithParam<MachineCase> {};

TEST_P(MachineMemoryTest, IsReadFromTheKernelsFiles) {
  const std::string root =
      testing::TempDir() + "memory_test_" + std::to_string(::getpid()) + GetParam().name;
  for (const auto& [path, contents] : GetParam().files) {
    fs::create_directories(fs::path(root + "/" + path).parent_path());
    std::ofstream(root + "/" + path) << contents;
  }
  const MachineMemory memory = machine_memory(root);
  EXPECT_EQ(memory.total, GetParam().total);
  EXPECT_EQ(memory.limit, GetParam().limit);
  EXPECT_EQ(memory.available, GetParam().available);
  fs::remove_all(root);
}

INSTANTIATE_TEST_SUITE_P(Machines, MachineMemoryTest, testing::ValuesIn(kMachines),
                         [](const auto& info) { return info.param.name; });

TEST(MachineMemory, OfThisMachine) {
  const MachineMemory memory = machine_memory();
  EXPECT_GT(memory.total, 16 * kMiB);
  EXPECT_LE(memory.available, memory.total);
}

TEST(FormatBytes, UsesTheLargestUnit) {
  EXPECT_EQ(format_bytes(0), "0 bytes");
  EXPECT_EQ(format_bytes(1023), "1023 bytes");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(512 * kMiB), "512 MiB");
  EXPECT_EQ(format_bytes(UINT64_MAX), "16777216 TiB");
}

}  // namespace
}  // namespace aquilon
