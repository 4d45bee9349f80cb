#include "base/mapping_guard.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <utility>

namespace aquilon {
namespace {

// Read by the signal handler: no locks, no memory of its own.
struct Slot {
  std::atomic<bool> taken{false};
  std::atomic<std::uintptr_t> begin{0};
  std::atomic<std::uintptr_t> end{0};
  std::atomic<bool> damaged{false};
};
std::array<Slot, 512> slots;
std::atomic<bool> any_damaged{false};
struct sigaction former;
static_assert(std::atomic<std::uintptr_t>::is_always_lock_free, "read in a signal handler");

// Puts a page of zeros where the file ends now. True: the read can go on.
bool replace_page(std::uintptr_t address) {
  for (Slot& slot : slots) {
    if (address < slot.begin || address >= slot.end) continue;
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    void* at = reinterpret_cast<void*>(address / page * page);
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    if (::mmap(at, page, PROT_READ, flags, -1, 0) == MAP_FAILED) return false;
    slot.damaged = true;
    any_damaged = true;
    return true;
  }
  return false;
}

void on_bus_error(int number, siginfo_t* info, void* context) {
  const int error = errno;
  const bool replaced =
      info->si_code == BUS_ADRERR && replace_page(reinterpret_cast<std::uintptr_t>(info->si_addr));
  errno = error;
  if (replaced) return;
  if ((former.sa_flags & SA_SIGINFO) != 0 && former.sa_sigaction) {
    former.sa_sigaction(number, info, context);
    return;
  }
  constexpr char kText[] = "SIGBUS: memory of this process could not be read\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kText, sizeof kText - 1);
  ::signal(number, SIG_DFL);
  ::raise(number);
}

}  // namespace

void guard_mappings() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    ::sigaction(SIGBUS, &action, &former);
  });
}

bool any_mapping_damaged() {
  return any_damaged.load(std::memory_order_relaxed);
}

MappingGuard::MappingGuard(std::span<const std::byte> bytes) {
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].taken.exchange(true)) continue;
    slot_ = static_cast<int>(i);
    slots[i].damaged = false;
    slots[i].begin = reinterpret_cast<std::uintptr_t>(bytes.data());
    slots[i].end = reinterpret_cast<std::uintptr_t>(bytes.data() + bytes.size());
    return;
  }
}

MappingGuard::MappingGuard(MappingGuard&& other) noexcept : slot_(std::exchange(other.slot_, -1)) {}

MappingGuard& MappingGuard::operator=(MappingGuard&& other) noexcept {
  std::swap(slot_, other.slot_);
  return *this;
}

MappingGuard::~MappingGuard() {
  if (slot_ < 0) return;
  Slot& slot = slots[static_cast<std::size_t>(slot_)];
  slot.end = 0;
  slot.begin = 0;
  slot.taken = false;
}

bool MappingGuard::damaged() const {
  return slot_ >= 0 && slots[static_cast<std::size_t>(slot_)].damaged;
}

}  // namespace aquilon
