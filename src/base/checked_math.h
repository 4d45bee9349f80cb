// The audited arithmetic for every size that a file or a request decides. No raw + or * on such
// values anywhere else.
#pragma once

#include <cstdint>
#include <optional>

namespace aquilon {

// An unsigned 64-bit size whose arithmetic remembers overflow instead of wrapping.
//   CheckedSize bytes = CheckedSize(rows) * row_bytes + header;
//   if (!bytes.at_most(file_size)) return corrupt;
class CheckedSize {
 public:
  constexpr CheckedSize(std::uint64_t value = 0) : value_(value) {}

  constexpr CheckedSize& operator+=(CheckedSize other) {
    overflowed_ |= other.overflowed_ | __builtin_add_overflow(value_, other.value_, &value_);
    return *this;
  }
  constexpr CheckedSize& operator*=(CheckedSize other) {
    overflowed_ |= other.overflowed_ | __builtin_mul_overflow(value_, other.value_, &value_);
    return *this;
  }
  friend constexpr CheckedSize operator+(CheckedSize a, CheckedSize b) { return a += b; }
  friend constexpr CheckedSize operator*(CheckedSize a, CheckedSize b) { return a *= b; }

  // Up to the next multiple of `alignment`, a power of two.
  constexpr CheckedSize align_up(std::uint64_t alignment) const {
    CheckedSize r = *this + (alignment - 1);
    r.value_ &= ~(alignment - 1);
    return r;
  }

  constexpr bool ok() const { return !overflowed_; }
  constexpr bool at_most(std::uint64_t limit) const { return ok() && value_ <= limit; }
  // The value, or nothing if any step overflowed.
  constexpr std::optional<std::uint64_t> value() const {
    return ok() ? std::optional(value_) : std::nullopt;
  }

 private:
  std::uint64_t value_;
  bool overflowed_ = false;
};

}  // namespace aquilon
