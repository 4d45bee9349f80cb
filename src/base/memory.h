// Memory of this machine, as a container may see it.
#pragma once

#include <cstdint>
#include <string>

namespace aquilon {

// Bytes that can still be allocated without swapping: the smallest of the kernel's MemAvailable and
// what the control group leaves. At least 0; a very large number when nothing can be read.
std::uint64_t available_memory();

// "512 MiB", "1.5 GiB": binary units, at most one decimal.
std::string format_bytes(std::uint64_t bytes);

}  // namespace aquilon
