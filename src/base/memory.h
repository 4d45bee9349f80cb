// Memory of this machine, as a container may see it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace aquilon {

struct MachineMemory {
  std::uint64_t total = 0;             // bytes of the machine; 0 when that cannot be read
  std::optional<std::uint64_t> limit;  // the smallest of this process's control groups, if < total
  // Bytes that can still be allocated without swapping: the smallest of the kernel's MemAvailable
  // and what each control group leaves. A very large number when nothing can be read.
  std::uint64_t available = 0;
};

// Reads ROOT/proc and ROOT/sys/fs/cgroup, versions 1 and 2 of control groups. Threads: any.
MachineMemory machine_memory(const std::string& root = "");

// machine_memory().available, or what the process's own limit of address space leaves.
std::uint64_t available_memory();

// "512 MiB", "1.5 GiB": binary units, at most one decimal.
std::string format_bytes(std::uint64_t bytes);

}  // namespace aquilon
