#include "quant/random_blocks.h"

#include <cstring>
#include <random>

#include "base/check.h"

namespace aquilon::quant {
namespace {

using tensor::DType;

// Where a block holds f16 scales.
struct ScalePlaces {
  std::size_t first;
  std::size_t count;  // one after the other
};

ScalePlaces scale_places(DType type) {
  switch (type) {
    case DType::kQ4_1:
    case DType::kQ5_1:
    case DType::kQ4_K:
    case DType::kQ5_K:
      return {0, 2};
    case DType::kQ2_K:
      return {80, 2};
    case DType::kQ3_K:
      return {108, 1};
    case DType::kQ6_K:
      return {208, 1};
    case DType::kTQ1_0:
      return {52, 1};
    case DType::kTQ2_0:
      return {64, 1};
    case DType::kF32:
    case DType::kBF16:
    case DType::kF8_E4M3:
    case DType::kIQ1_M:
    case DType::kMXFP4:
    case DType::kNVFP4:
      return {0, 0};
    default:
      return {0, 1};
  }
}

// f16 from 2^-10 to nearly 2^-8.
std::uint16_t random_scale(std::mt19937_64& random) {
  return static_cast<std::uint16_t>(0x1400 + random() % 0x0800);
}

// Scales that are not halves in one piece.
void put_other_scales(DType type, std::byte* block, std::mt19937_64& random) {
  const auto set = [&](std::size_t at, std::size_t from, std::size_t n) {
    block[at] = static_cast<std::byte>(from + random() % n);
  };
  if (type == DType::kMXFP4) set(0, 118, 5);
  if (type == DType::kNVFP4)
    for (std::size_t g = 0; g < 4; ++g) set(g, 0x08, 0x20);
  if (type == DType::kF32) set(3, 0x3b, 3);
  if (type == DType::kBF16) set(1, 0x3b, 3);
  if (type == DType::kF8_E4M3) *block &= std::byte{0xbf};
  if (type == DType::kIQ1_M) {
    const std::uint16_t scale = random_scale(random);
    for (std::size_t i = 0; i < 4; ++i) {
      std::byte& top = block[49 + 2 * i];
      top = (top & std::byte{15}) | static_cast<std::byte>((scale >> 4 * i & 15) << 4);
    }
  }
}

}  // namespace

std::vector<std::byte> random_blocks(DType type, std::size_t values, std::uint64_t seed) {
  const tensor::DTypeInfo& info = tensor::dtype_info(type);
  AQ_CHECK(values % info.block_size == 0);
  std::mt19937_64 random(seed);
  std::vector<std::byte> bytes(values / info.block_size * info.block_bytes);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  const ScalePlaces places = scale_places(type);
  for (std::size_t block = 0; block < bytes.size(); block += info.block_bytes) {
    for (std::size_t i = 0; i < places.count; ++i) {
      const std::uint16_t scale = random_scale(random);
      std::memcpy(&bytes[block + places.first + 2 * i], &scale, sizeof scale);
    }
    put_other_scales(type, &bytes[block], random);
  }
  return bytes;
}

}  // namespace aquilon::quant
