// Blocks of random bits with scales of ordinary size: for tests, trials and measuring.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tensor/dtype.h"

namespace aquilon::quant {

//   values  a multiple of the type's block size
// Floating-point scales lie from 2^-10 to 2^-6, weights themselves are below 1000.
// The same for the same seed.   Errors: none.  Threads: safe.
std::vector<std::byte> random_blocks(tensor::DType type, std::size_t values, std::uint64_t seed);

}  // namespace aquilon::quant
