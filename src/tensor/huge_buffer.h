// Zeroed anonymous memory on huge pages where the kernel grants them.
#pragma once

#include <cstddef>

#include "base/result.h"

namespace aquilon::tensor {

// Owns `size` bytes, aligned to 2 MiB and all zero. The system commits them as they are touched.
// Threads: as plain memory. Movable.
class HugeBuffer {
 public:
  HugeBuffer() = default;
  // Errors: kOutOfMemory names the size when the system refuses the address range.
  static Result<HugeBuffer> create(std::size_t size);
  HugeBuffer(HugeBuffer&& other) noexcept;
  HugeBuffer& operator=(HugeBuffer&& other) noexcept;
  ~HugeBuffer();

  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace aquilon::tensor
