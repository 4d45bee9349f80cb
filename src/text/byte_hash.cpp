#include <random>

#include "text/byte_hash_internal.h"

namespace aquilon::text {

std::uint64_t hash_seed() {
  static const std::uint64_t seed = [] {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
  }();
  return seed;
}

}  // namespace aquilon::text
