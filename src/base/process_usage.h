// What this process uses of the machine.
#pragma once

#include <cstdint>

namespace aquilon {

// Zero where the system does not tell.
struct ProcessUsage {
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  double cpu_seconds = 0;
  double started = 0;  // Unix seconds
  std::uint64_t threads = 0;
  std::uint64_t descriptors = 0;  // open
  std::uint64_t max_descriptors = 0;
};

// Threads: any. Cost: some reads of /proc.
ProcessUsage process_usage();

}  // namespace aquilon
