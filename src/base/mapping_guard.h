// Files that shrink while they are mapped. Reading behind their new end raises SIGBUS, which ends a
// process; here the page reads as zeros instead, and who reads the file can see that it did.
#pragma once

#include <atomic>
#include <cstddef>
#include <span>

namespace aquilon {

// Installs the handler of SIGBUS, once; for signals that are not of a guarded mapping the former
// one stays in force. Threads: any.
void guard_mappings();

// A mapping that the handler knows, while the object lives; beyond some hundreds of them it does
// not. Movable. Threads: safe.
class MappingGuard {
 public:
  MappingGuard() = default;
  explicit MappingGuard(std::span<const std::byte> bytes);
  MappingGuard(MappingGuard&& other) noexcept;
  MappingGuard& operator=(MappingGuard&& other) noexcept;
  ~MappingGuard();

  // A page of it was gone and has been read as zeros.
  bool damaged() const;

 private:
  int slot_ = -1;
};

// Whether any mapping of the process has been, ever: a look that costs nothing.
bool any_mapping_damaged();

}  // namespace aquilon
