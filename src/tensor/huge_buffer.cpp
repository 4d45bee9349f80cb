#include "tensor/huge_buffer.h"

#include <sys/mman.h>

#include <cstdint>
#include <utility>

#include "base/memory.h"

namespace aquilon::tensor {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

}  // namespace

Result<HugeBuffer> HugeBuffer::create(std::size_t size) {
  HugeBuffer buffer;
  if (size == 0) return buffer;
  void* map = MAP_FAILED;
  if (size <= SIZE_MAX - 2 * kHugePage)
    map = ::mmap(nullptr, (size + kPage - 1) / kPage * kPage + kHugePage, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map == MAP_FAILED)
    return make_error(Code::kOutOfMemory, "the system refuses {} of memory", format_bytes(size));
  // Whole pages only; what lies before the first huge page and after the last page goes back.
  const std::size_t whole = (size + kPage - 1) / kPage * kPage;
  auto* begin = static_cast<std::byte*>(map);
  const std::size_t skip = (0 - reinterpret_cast<std::uintptr_t>(begin)) % kHugePage;
  if (skip > 0) ::munmap(begin, skip);
  if (skip < kHugePage) ::munmap(begin + skip + whole, kHugePage - skip);
  buffer.data_ = begin + skip;
  buffer.size_ = size;
  ::madvise(buffer.data_, whole, MADV_HUGEPAGE);  // a wish: it may fail
  return buffer;
}

HugeBuffer::HugeBuffer(HugeBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

HugeBuffer& HugeBuffer::operator=(HugeBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

HugeBuffer::~HugeBuffer() {
  if (data_ != nullptr) ::munmap(data_, (size_ + kPage - 1) / kPage * kPage);
}

}  // namespace aquilon::tensor
