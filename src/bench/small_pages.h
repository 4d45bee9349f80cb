// Memory on pages of the ordinary size, to show what huge ones bring.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>

#include "base/result.h"

namespace aquilon::bench {

// Touched, so that every page is there.
class SmallPages {
 public:
  // Errors: kOutOfMemory.
  static Result<SmallPages> create(std::size_t size) {
    void* p = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return make_error(Code::kOutOfMemory, "no memory for {} bytes", size);
    ::madvise(p, size, MADV_NOHUGEPAGE);
    std::memset(p, 1, size);
    SmallPages pages;
    pages.data_ = {static_cast<std::byte*>(p), Unmap{size}};
    return pages;
  }

  std::span<const std::byte> bytes() const { return {data_.get(), data_.get_deleter().size}; }

 private:
  struct Unmap {
    std::size_t size;
    void operator()(std::byte* p) const { ::munmap(p, size); }
  };
  SmallPages() = default;

  std::unique_ptr<std::byte[], Unmap> data_;
};

}  // namespace aquilon::bench
