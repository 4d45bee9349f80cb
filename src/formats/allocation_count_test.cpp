// Replaces operator new of the test program, in a file of its own: the compiler must not see both
// halves of a pair.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

#include "formats/allocation_count_for_test.h"

namespace {

std::atomic<std::uint64_t> g_allocated = 0;

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  g_allocated += size;
  if (void* p = std::malloc(size)) return p;
  std::abort();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return operator new(size);
}
[[gnu::noinline]] void operator delete(void* p, const std::nothrow_t&) noexcept {
  std::free(p);
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
  std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}

namespace aquilon::formats {

std::uint64_t allocated_bytes_for_test() {
  return g_allocated;
}

TEST(AllocationCount, Counts) {
  const std::uint64_t before = allocated_bytes_for_test();
  const std::vector<char> block(100000);
  EXPECT_GE(allocated_bytes_for_test() - before, block.size());
}

}  // namespace aquilon::formats
