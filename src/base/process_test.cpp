#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

#include "base/process_limits.h"
#include "base/process_usage.h"

namespace aquilon {
namespace {

TEST(ProcessUsageTest, TellsWhatThisProcessUses) {
  const ProcessUsage usage = process_usage();
  EXPECT_GT(usage.resident_bytes, 1u << 20);
  EXPECT_GE(usage.virtual_bytes, usage.resident_bytes);
  EXPECT_GE(usage.threads, 1u);
  EXPECT_GE(usage.descriptors, 3u);
  EXPECT_GE(usage.max_descriptors, usage.descriptors);
  const auto now = static_cast<double>(std::time(nullptr));
  EXPECT_LE(usage.started, now + 2);
  EXPECT_GT(usage.started, now - 86400);
}

TEST(ProcessUsageTest, CountsDescriptors) {
  const std::uint64_t before = process_usage().descriptors;
  const int more = dup(0);
  ASSERT_GE(more, 0);
  EXPECT_EQ(process_usage().descriptors, before + 1);
  close(more);
}

[[noreturn]] void exit_with_what_holds() {
  forbid_core_dumps();
  raise_descriptor_limit();
  rlimit core{.rlim_cur = 1, .rlim_max = 1};
  getrlimit(RLIMIT_CORE, &core);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  const bool right = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && core.rlim_max == 0 &&
                     files.rlim_cur == files.rlim_max;
  std::_Exit(right ? 0 : 1);
}

// In a process of its own: what it gives up does not come back.
TEST(ProcessLimitsTest, CoreDumpsAreForbidden) {
  EXPECT_EXIT(exit_with_what_holds(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace aquilon
