// Counts what a test program allocates.
#pragma once

#include <cstdint>

namespace aquilon::formats {

// Bytes that this program has asked operator new for so far; never lowered.
std::uint64_t allocated_bytes_for_test();

}  // namespace aquilon::formats
