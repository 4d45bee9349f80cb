// Reads the directory of a GGUF file front to back. Every step is checked against the bytes that
// are left, and every error names file, byte offset and field.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/checked_math.h"
#include "base/result.h"

namespace aquilon::formats {

// What is being read, for messages: "tensor 3 'blk.0.attn_q.weight'". An empty kind is the header.
struct GgufSubject {
  std::string_view kind;
  std::uint64_t index = 0;
  std::string_view name;                      // empty until read
  std::optional<std::uint64_t> element = {};  // of an array
};

class GgufCursor {
 public:
  GgufCursor(std::span<const std::byte> bytes, std::string_view file)
      : bytes_(bytes), file_(file) {}

  std::uint64_t offset() const { return at_; }
  std::uint64_t remaining() const { return bytes_.size() - at_; }

  void set_subject(GgufSubject subject) { subject_ = subject; }
  void set_element(std::uint64_t element) { subject_.element = element; }

  // "FILE: at byte OFFSET: SUBJECT: what"
  Error error_at(std::uint64_t offset, Code code, std::string_view what) const;

  // A little-endian number.
  template <class T>
    requires std::integral<T> || std::floating_point<T>
  Result<T> number(std::string_view field) {
    if (remaining() < sizeof(T)) return truncated(field, sizeof(T));
    T value;
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }

  // A count of things that take at least `min_bytes` each: never more than fit into the rest of the
  // file, nor than `limit`.
  Result<std::uint64_t> count(std::string_view field, std::uint64_t min_bytes, std::uint64_t limit);

  // The next `size` bytes.
  Result<std::span<const std::byte>> take(CheckedSize size, std::string_view field);

  // A u64 length, then as many bytes. Any bytes are accepted.
  Result<std::string_view> text(std::string_view field);

  // As text(), for a key or name: 1 to `max_bytes` bytes, UTF-8, no control characters.
  Result<std::string_view> name(std::string_view field, std::uint64_t max_bytes);

 private:
  Error truncated(std::string_view field, std::uint64_t needed) const;

  std::span<const std::byte> bytes_;
  std::string_view file_;
  std::uint64_t at_ = 0;  // never beyond bytes_
  GgufSubject subject_;
};

}  // namespace aquilon::formats
