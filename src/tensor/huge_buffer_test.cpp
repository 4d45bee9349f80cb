#include "tensor/huge_buffer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace aquilon::tensor {
namespace {

TEST(HugeBuffer, IsZeroAlignedAndWritableToItsLastByte) {
  for (const std::size_t size : {1ul, 4096ul, 2097151ul, 2097152ul, 5000001ul}) {
    auto buffer = HugeBuffer::create(size);
    ASSERT_TRUE(buffer.ok());
    EXPECT_EQ(0u, reinterpret_cast<std::uintptr_t>(buffer->data()) % (2u << 20));
    for (const std::size_t at : {std::size_t{0}, size / 2, size - 1})
      EXPECT_EQ(std::byte{0}, buffer->data()[at]);
    for (const std::size_t at : {std::size_t{0}, size / 2, size - 1})
      buffer->data()[at] = std::byte{1};
  }
}

TEST(HugeBuffer, MovesAndRefusesTheImpossible) {
  auto buffer = HugeBuffer::create(100);
  ASSERT_TRUE(buffer.ok());
  buffer->data()[3] = std::byte{7};
  HugeBuffer moved = std::move(*buffer);
  EXPECT_EQ(std::byte{7}, moved.data()[3]);
  EXPECT_TRUE(HugeBuffer::create(0)->empty());
  const auto refused = HugeBuffer::create(std::numeric_limits<std::size_t>::max());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(Code::kOutOfMemory, refused.error().code);
}

}  // namespace
}  // namespace aquilon::tensor
